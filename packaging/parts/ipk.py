"""OpenWrt packages as its own ipkg-build makes them: a gzipped tar of debian-binary, data.tar.gz and control.tar.gz."""
from .archive import Tree, gz

# OpenWrt's name for a package architecture, and the target whose binary it gets.
ARCHITECTURES = {
    'arm_arm1176jzf-s_vfp': 'arm-unknown-linux-musleabihf',
    'arm_cortex-a7_neon-vfpv4': 'armv7-unknown-linux-musleabihf',
    'aarch64_cortex-a53': 'aarch64-unknown-linux-musl',
    'x86_64': 'x86_64-unknown-linux-musl',
    'mipsel_24kc': 'mipsel-unknown-linux-musl',
    'mips_24kc': 'mips-unknown-linux-musl',
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


def build(home, version, architecture, binary):
    """The package as bytes."""
    files = home / 'packaging/openwrt/files'
    data = Tree()
    data.add('usr/bin/homing', binary, 0o755)
    data.add('etc/config/homing', files / 'homing.config', 0o600)
    data.add('etc/init.d/homing', files / 'homing.init', 0o755)
    data.add('etc/hotplug.d/iface/95-homing', files / 'homing.iface', 0o755)
    data.add('etc/hotplug.d/ntp/95-homing', files / 'homing.ntp', 0o755)
    data.add('etc/capabilities/homing.json', files / 'homing.json')
    control = (home / 'packaging/openwrt/control').read_text()
    control = control.replace('{version}', version).replace('{architecture}', architecture)
    # What was learned survives a sysupgrade, as settings do.
    return pack(data, control, ['/etc/config/homing', '/etc/homing/'])


def drop_in(home, version):
    """The package that stands in the place of ddns-scripts, for LuCI's page; nothing in it but scripts."""
    files = home / 'packaging/openwrt/files'
    data = Tree()
    data.add('etc/config/ddns', files / 'ddns.config', 0o600)
    data.add('etc/init.d/ddns', files / 'ddns.init', 0o755)
    data.add('usr/lib/ddns/dynamic_dns_lucihelper.sh', files / 'ddns.helper', 0o755)
    control = (home / 'packaging/openwrt/control-ddns').read_text().replace('{version}', version)
    return pack(data, control, ['/etc/config/ddns'])
