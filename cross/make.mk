# Cross builds (cross/README.md). Everything they need and make goes below HOMING_CROSS_CACHE, by default target/cross.
crossed = arm-unknown-linux-musleabihf armv7-unknown-linux-musleabihf aarch64-unknown-linux-musl x86_64-unknown-linux-musl

.PHONY: cross cross-test cross-size cross-same

# Static, stripped binaries for the boards.
cross:
	for target in $(crossed); do cross/build $$target || exit; done
	cross/build arm-unknown-linux-musleabihf plain

# The black-box tests against each, emulated.
cross-test: cross
	for target in $(crossed); do cross/test $$target || exit; done

# Their sizes against the table in cross/README.md.
cross-size: cross
	cross/size check

# That one commit makes one binary, wherever it is built. Minutes: not part of every run.
cross-same:
	cross/same arm-unknown-linux-musleabihf
