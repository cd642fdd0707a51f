# Packages (packaging/README.md). They are built from the cross builds and written to target/packages.
.PHONY: packages packages-test packages-foreign packages-here packages-same completions

# Builds every package. Does not need root.
packages: cross
	packaging/build

# Installs and runs each package in an environment like its target's. Needs root.
packages-test:
	for test in deb service ipk apk oci docker tarball completions; do packaging/test/$$test || exit; done

# Tests the .deb packages for ARM in a Debian root for ARM, with qemu-user. The first run takes several minutes.
packages-foreign:
	packaging/test/deb foreign

# Like packages-test, but with the release build of this machine instead of the cross builds.
packages-here: all
	packaging/build --out target/packages-here x86_64-unknown-linux-musl=$(homing)
	export HOMING_PACKAGES=target/packages-here HOMING_STAND_IN=yes; \
	packaging/test/deb amd64 && packaging/test/service && packaging/test/ipk && packaging/test/apk && \
	packaging/test/tarball && packaging/test/completions

# Checks that two builds give the same bytes.
packages-same:
	packaging/test/same

# Regenerates the shell completions. Run this after a change of the options.
completions:
	cargo build --locked
	packaging/completions/generate $(target)/debug/homing
