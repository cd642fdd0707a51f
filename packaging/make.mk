# Packages (packaging/README.md). What they need comes from the cross builds; what they make goes to target/packages.
.PHONY: packages packages-test packages-same completions

# Every package, without root.
packages: cross
	packaging/build

# Each package installed where it belongs, and used there. Needs root.
packages-test:
	for test in deb service ipk oci tarball; do packaging/test/$$test || exit; done

# That two builds give the same bytes.
packages-same:
	packaging/test/same

# What shells complete, made anew after a change of the options.
completions:
	cargo build --locked
	packaging/completions/generate $(target)/debug/homing
