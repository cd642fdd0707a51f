# Cross builds (cross/README.md). Everything they need and make goes below HOMING_CROSS_CACHE, by default target/cross.
crossed = arm-unknown-linux-musleabihf armv7-unknown-linux-musleabihf aarch64-unknown-linux-musl x86_64-unknown-linux-musl
crossed-too = 'arm-unknown-linux-musleabihf plain' 'arm-unknown-linux-musleabihf main' 'aarch64-unknown-linux-musl main'
routers = mipsel-unknown-linux-musl mips-unknown-linux-musl

.PHONY: cross cross-routers cross-test cross-short cross-size cross-same

# Static, stripped binaries for the boards, as many at once as there are processors.
cross:
	cross/toolchain
	printf '%s\n' $(crossed) $(crossed-too) | xargs -P "$$(nproc)" -L 1 cross/build

# And for routers, as far as that goes (README).
cross-routers:
	cross/toolchain
	printf '%s\n' $(routers) 'mipsel-unknown-linux-musl plain' 'mips-unknown-linux-musl plain' | xargs -P "$$(nproc)" -L 1 cross/build

# These look at what `make cross` made. The black-box tests against each, emulated.
cross-test:
	for target in $(crossed); do cross/test $$target || exit; done

# The same, of the main job (cross/test).
cross-short:
	for target in $(crossed); do cross/test $$target short || exit; done

# Their sizes against the table in cross/README.md.
cross-size:
	cross/size check

# That one commit makes one binary, wherever it is built.
cross-same:
	cross/same arm-unknown-linux-musleabihf
