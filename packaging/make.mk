# Packages (packaging/README.md). What they need comes from the cross builds; what they make goes to target/packages.
.PHONY: packages packages-test packages-foreign packages-here packages-same completions

# Every package, without root.
packages: cross
	packaging/build

# Each package installed where it belongs, and used there. Needs root.
packages-test:
	for test in deb service ipk apk oci docker tarball completions; do packaging/test/$$test || exit; done

# The .deb for ARM in Debians for ARM, by qemu-user. The first time takes some minutes.
packages-foreign:
	packaging/test/deb foreign

# The same as packages-test for this machine alone, without cross builds: what the release build gives stands in for them.
packages-here: all
	packaging/build --out target/packages-here x86_64-unknown-linux-musl=$(homing)
	export HOMING_PACKAGES=target/packages-here HOMING_STAND_IN=yes; \
	packaging/test/deb amd64 && packaging/test/service && packaging/test/ipk && packaging/test/apk && \
	packaging/test/tarball && packaging/test/completions

# That two builds give the same bytes.
packages-same:
	packaging/test/same

# What shells complete, made anew after a change of the options.
completions:
	cargo build --locked
	packaging/completions/generate $(target)/debug/homing
