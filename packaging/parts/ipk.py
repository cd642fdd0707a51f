"""OpenWrt packages as its own ipkg-build makes them: a gzipped tar of debian-binary, data.tar.gz and control.tar.gz."""
import struct
from .archive import Tree, gz

# OpenWrt's name for a package architecture, and the target whose binary it gets. The big-endian mips does not work
# (cross/README.md) and gets none.
ARCHITECTURES = {
    'arm_arm1176jzf-s_vfp': 'arm-unknown-linux-musleabihf',
    'arm_cortex-a7_neon-vfpv4': 'armv7-unknown-linux-musleabihf',
    'aarch64_cortex-a53': 'aarch64-unknown-linux-musl',
    'x86_64': 'x86_64-unknown-linux-musl',
    'mipsel_24kc': 'mipsel-unknown-linux-musl',
}

# What OpenWrt's build system puts into every package: its own functions enable and start what has an init script.
POSTINST = '''#!/bin/sh
[ "${IPKG_NO_SCRIPT}" = "1" ] && exit 0
[ -s ${IPKG_INSTROOT}/lib/functions.sh ] || exit 0
. ${IPKG_INSTROOT}/lib/functions.sh
default_postinst $0 $@
'''
PRERM = '''#!/bin/sh
[ -s ${IPKG_INSTROOT}/lib/functions.sh ] || exit 0
. ${IPKG_INSTROOT}/lib/functions.sh
default_prerm $0 $@
'''


def pack(data, control, conffiles):
    about = Tree()
    about.add('control', control.replace('{size}', str(sum(len(content) for _, content in data.files()))))
    about.add('conffiles', ''.join(f'{path}\n' for path in conffiles))
    about.add('postinst', POSTINST, 0o755)
    about.add('prerm', PRERM, 0o755)
    outer = Tree()
    outer.add('debian-binary', b'2.0\n')
    outer.add('data.tar.gz', gz(data.tar()))
    outer.add('control.tar.gz', gz(about.tar()))
    return gz(outer.tar())


# Of <elf.h>: types of program headers, and of entries of the dynamic section.
PT_DYNAMIC, PT_GNU_RELRO, DT_STRTAB = 2, 0x6474E552, 5


def for_jail(binary):
    """The binary with an empty dynamic section. procd's ujail looks there for the libraries to bring along, and does not
    start what has none (openwrt/openwrt#10933), as static programs have not. Nobody else reads it: the kernel does not,
    and musl looks for its symbol. Its header takes the place of RELRO's, which only a dynamic loader would heed."""
    wide, order = binary[4] == 2, '<' if binary[5] == 1 else '>'
    header = struct.Struct(order + ('IIQQQQQQ' if wide else 'IIIIIIII'))
    at, = struct.unpack_from(order + ('Q' if wide else 'I'), binary, 32 if wide else 28)
    size, count = struct.unpack_from(order + 'HH', binary, 54 if wide else 42)
    assert size == header.size, size
    places = {header.unpack_from(binary, at + size * number)[0]: at + size * number for number in range(count)}
    if PT_DYNAMIC in places:
        return binary
    binary += bytes(-len(binary) % 8)
    table = struct.pack(order + ('4Q' if wide else '4I'), DT_STRTAB, 0, 0, 0)
    read, offset, length = 4, len(binary), len(table)
    fields = (PT_DYNAMIC, read, offset, 0, 0, length, 0, 8) if wide else (PT_DYNAMIC, offset, 0, 0, length, 0, read, 4)
    patched = bytearray(binary + table)
    header.pack_into(patched, places[PT_GNU_RELRO], *fields)
    return bytes(patched)


def build(home, version, architecture, binary):
    """The package as bytes."""
    files = home / 'packaging/openwrt/files'
    data = Tree()
    data.add('usr/bin/homing', for_jail(binary), 0o755)
    # Whoever asks homing something on a router asks with the settings that run there.
    data.link('etc/homing.conf', '/var/run/homing/homing.conf')
    data.add('etc/config/homing', files / 'homing.config', 0o600)
    data.add('etc/init.d/homing', files / 'homing.init', 0o755)
    data.add('etc/hotplug.d/iface/95-homing', files / 'homing.iface', 0o755)
    data.add('etc/hotplug.d/ntp/95-homing', files / 'homing.ntp', 0o755)
    data.add('etc/capabilities/homing.json', files / 'homing.json')
    control = (home / 'packaging/openwrt/control').read_text()
    control = control.replace('{version}', version).replace('{architecture}', architecture)
    # What was learned survives a sysupgrade, as settings do: OpenWrt's build system tells it so of conffiles that are folders.
    data.add('lib/upgrade/keep.d/homing', '/etc/homing/\n')
    return pack(data, control, ['/etc/config/homing'])


def drop_in(home, version):
    """The package that stands in the place of ddns-scripts, for LuCI's page; nothing in it but scripts."""
    files = home / 'packaging/openwrt/files'
    data = Tree()
    data.add('etc/config/ddns', files / 'ddns.config', 0o600)
    data.add('etc/init.d/ddns', files / 'ddns.init', 0o755)
    data.add('usr/lib/ddns/dynamic_dns_lucihelper.sh', files / 'ddns.helper', 0o755)
    control = (home / 'packaging/openwrt/control-ddns').read_text().replace('{version}', version)
    return pack(data, control, ['/etc/config/ddns'])
