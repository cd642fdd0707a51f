# homing-server. In a cargo command of its own: built together with the agent, their features unify.
server_features = --no-default-features --features server
homing_server = $(target)/server/homing-server

.PHONY: server test-server check-server install-server

server:
	cargo build --locked --profile server $(server_features) --bin homing-server

# On SQLite, then on MariaDB where Debian's mariadb-server is installed.
test-server:
	tests/install-tools
	tests/leaves-nothing cargo test --locked $(server_features) --lib server::
	tests/leaves-nothing cargo test --locked $(server_features) --test server
	tests/leaves-nothing tests/server/with-mariadb cargo test --locked $(server_features) --lib server::
	tests/leaves-nothing tests/server/with-mariadb cargo test --locked $(server_features) --test server

check-server:
	cargo clippy --locked $(server_features) --lib --bin homing-server --test server -- -D warnings
	mandoc -T lint -W warning packaging/man/homing-server.8 packaging/man/homing-server.conf.5

# Also under the name of the program that it replaces. A configuration that is there stays as it is.
install-server: server
	install -d $(DESTDIR)$(prefix)/bin $(DESTDIR)$(man)/man8 $(DESTDIR)$(man)/man5 $(DESTDIR)/etc/homing-server
	install -m 755 $(homing_server) $(DESTDIR)$(prefix)/bin/homing-server
	ln -sf homing-server $(DESTDIR)$(prefix)/bin/ddns-service
	install -m 644 packaging/man/homing-server.8 $(DESTDIR)$(man)/man8/homing-server.8
	install -m 644 packaging/man/homing-server.conf.5 $(DESTDIR)$(man)/man5/homing-server.conf.5
	install -m 640 packaging/server/config.example.toml $(DESTDIR)/etc/homing-server/config.example.toml
	install -m 644 packaging/server/change_notification.j2 packaging/server/expiry_notification.j2 \
		$(DESTDIR)/etc/homing-server/
	test -e $(DESTDIR)/etc/homing-server/config.toml || \
		install -m 640 packaging/server/config.example.toml $(DESTDIR)/etc/homing-server/config.toml
