# Cross builds (cross/README.md). They read and write files only below HOMING_CROSS_CACHE (default: target/cross).
crossed = arm-unknown-linux-musleabihf armv7-unknown-linux-musleabihf aarch64-unknown-linux-musl x86_64-unknown-linux-musl
crossed-too = 'arm-unknown-linux-musleabihf plain' 'arm-unknown-linux-musleabihf main' 'aarch64-unknown-linux-musl main'
routers = mipsel-unknown-linux-musl mips-unknown-linux-musl

.PHONY: cross cross-routers cross-test cross-short cross-size cross-same

# Static, stripped binaries for ARM boards and x86_64, one build for each processor at a time.
cross:
	cross/toolchain
	printf '%s\n' $(crossed) $(crossed-too) | xargs -P "$$(nproc)" -L 1 cross/build

# The same for MIPS routers. See README for what was tested.
cross-routers:
	cross/toolchain
	printf '%s\n' $(routers) 'mipsel-unknown-linux-musl plain' 'mips-unknown-linux-musl plain' | xargs -P "$$(nproc)" -L 1 cross/build

# The targets below use the binaries that `make cross` built. This one runs all black-box tests under an emulator.
cross-test:
	for target in $(crossed); do cross/test $$target || exit; done

# Runs the tests that depend on the processor (cross/test).
cross-short:
	for target in $(crossed); do cross/test $$target short || exit; done

# Compares the sizes of the binaries with the table in cross/README.md.
cross-size:
	cross/size check

# Checks that one commit gives the same binary in every folder.
cross-same:
	cross/same arm-unknown-linux-musleabihf
