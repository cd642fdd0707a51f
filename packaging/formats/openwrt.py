"""The contents of the OpenWrt packages. The modules `ipk` and `apk` write them in the format of each package manager."""
from .archive import Tree

# The target for each of OpenWrt's package architectures.
ARCHITECTURES = {
    'arm_arm1176jzf-s_vfp': 'arm-unknown-linux-musleabihf',
    'arm_cortex-a7_neon-vfpv4': 'armv7-unknown-linux-musleabihf',
    'aarch64_cortex-a53': 'aarch64-unknown-linux-musl',
    'x86_64': 'x86_64-unknown-linux-musl',
    'mipsel_24kc': 'mipsel-unknown-linux-musl',
    'mips_24kc': 'mips-unknown-linux-musl',
}


class Package:
    """A package: the files to install (`data`), those that are configuration (`conffiles`), and the metadata as `fields` and, for
    opkg, as the text `control` with a placeholder for the size."""

    def __init__(self, home, control, version, architecture, data, conffiles):
        text = (home / 'packaging/openwrt' / control).read_text()
        self.control = text.replace('{version}', version).replace('{architecture}', architecture)
        self.fields = dict(line.split(': ', 1) for line in self.control.splitlines())
        self.data, self.conffiles = data, conffiles

    def size(self):
        return sum(len(content) for _, content in self.data.files())


def homing(home, version, architecture, binary):
    """The package homing."""
    files = home / 'packaging/openwrt/files'
    data = Tree()
    data.add('usr/bin/homing', binary, 0o755)
    # `homing --status` and other commands use the configuration of the running process.
    data.link('etc/homing.conf', '/var/run/homing/homing.conf')
    data.add('etc/config/homing', files / 'homing.config', 0o600)
    data.add('etc/init.d/homing', files / 'homing.init', 0o755)
    data.add('etc/hotplug.d/iface/95-homing', files / 'homing.iface', 0o755)
    data.add('etc/hotplug.d/ntp/95-homing', files / 'homing.ntp', 0o755)
    data.add('etc/capabilities/homing.json', files / 'homing.json')
    # sysupgrade keeps the state. OpenWrt's build system writes this file for conffiles that are folders.
    data.add('lib/upgrade/keep.d/homing', '/etc/homing/\n')
    return Package(home, 'control', version, architecture, data, ['/etc/config/homing'])


def drop_in(home, version):
    """The package homing-ddns, which replaces ddns-scripts behind LuCI's Dynamic DNS page. It contains only scripts."""
    files = home / 'packaging/openwrt/files'
    data = Tree()
    data.add('etc/config/ddns', files / 'ddns.config', 0o600)
    data.add('etc/init.d/ddns', files / 'ddns.init', 0o755)
    data.add('usr/lib/ddns/dynamic_dns_lucihelper.sh', files / 'ddns.helper', 0o755)
    data.add('usr/lib/ddns/dynamic_dns_updater.sh', files / 'ddns.updater', 0o755)
    # LuCI shows this version.
    data.add('usr/share/ddns/version', f'homing {version}\n')
    return Package(home, 'control-ddns', version, 'all', data, ['/etc/config/ddns'])
