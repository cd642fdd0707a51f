# Plain targets around cargo. `make install` honours DESTDIR and prefix.
prefix = /usr/local
man = $(prefix)/share/man
target = $(or $(CARGO_TARGET_DIR),target)
homing = $(target)/release/homing

.PHONY: all test check demo demo-server bench bench-smoke counts floor install uninstall size clean

all:
	cargo build --release --locked

# What the tests need of Debian, then all tests, of the full build: those of the usual one are among them.
test:
	tests/install-tools
	tests/leaves-nothing cargo test --locked --features all-providers
	$(MAKE) test-server

# All that is asked of a change. With TESTED=yes the tests themselves are left out, for they have just run.
check:
	tests/install-tools
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	cargo clippy --all-targets --locked --features all-providers -- -D warnings
	cargo clippy --all-targets --locked --no-default-features -- -D warnings
	tests/modules
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --locked --no-deps --features all-providers --document-private-items
	mandoc -T lint -W warning packaging/man/homing.1 packaging/man/homing.conf.5
	$(MAKE) check-server
	$(if $(TESTED),,tests/leaves-nothing cargo test --locked --features all-providers)
	$(if $(TESTED),,$(MAKE) test-server)
	$(MAKE) size counts
	@echo "$$(cargo test --locked --features all-providers -- --list 2>/dev/null | grep -c ': test$$') tests"

# The built program in a world on loopback, step by step.
demo: all
	cargo build --release --locked --example demo
	@$(target)/release/examples/demo $(homing)

# The agent, curl and ddclient update names in BIND through homing-server, step by step.
demo-server: all server
	@tests/demo-server $(homing) $(homing_server)

# homing beside others (tests/bench/README.md): ten minutes; a minute; the counts that may not grow unseen.
bench: floor
	tests/bench/bench
bench-smoke: floor
	tests/bench/bench smoke
counts: floor
	tests/bench/bench counts
floor: all
	cargo build --release --locked --example floor

$(homing):
	cargo build --release --locked

# A config that is there already stays as it is.
install: $(homing)
	install -d $(DESTDIR)$(prefix)/bin $(DESTDIR)$(man)/man1 $(DESTDIR)$(man)/man5 $(DESTDIR)/etc
	install -m 755 $(homing) $(DESTDIR)$(prefix)/bin/homing
	install -m 644 packaging/man/homing.1 $(DESTDIR)$(man)/man1/homing.1
	install -m 644 packaging/man/homing.conf.5 $(DESTDIR)$(man)/man5/homing.conf.5
	test -e $(DESTDIR)/etc/homing.conf || install -m 600 packaging/homing.conf $(DESTDIR)/etc/homing.conf
	install -d -m 700 $(DESTDIR)/var/lib/homing

# What a person wrote or homing learned stays: /etc/homing.conf and /var/lib/homing.
uninstall:
	rm -f $(DESTDIR)$(prefix)/bin/homing $(DESTDIR)$(man)/man1/homing.1 $(DESTDIR)$(man)/man5/homing.conf.5

size: all
	@wc -c <$(homing) | awk '{ printf "$(homing): %d bytes, %.0f KiB\n", $$1, $$1 / 1024 }'

clean:
	cargo clean

include cross/make.mk
include packaging/make.mk
include packaging/server/make.mk
