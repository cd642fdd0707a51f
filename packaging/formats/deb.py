"""Debian packages, without debhelper and without root: an ar archive of two tar archives (deb(5))."""
import hashlib, re
from datetime import datetime, timezone
from email.utils import format_datetime
from .archive import Tree, ar, epoch, gz

# The target for each of Debian's architectures. armhf gets ARMv6 code, so that it runs on every Raspberry Pi.
ARCHITECTURES = {
    'armhf': 'arm-unknown-linux-musleabihf',
    'arm64': 'aarch64-unknown-linux-musl',
    'amd64': 'x86_64-unknown-linux-musl',
}

COPYRIGHT = '''Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: homing
Comment: the crates in the binary have their own licences, which are in licenses.gz beside this file.

Files: *
Copyright: {holder}
License: Expat

License: Expat
{text}
'''


def changelog(version, maintainer):
    """The single entry that Debian's tools require. The changes are in upstream's changelog."""
    date = format_datetime(datetime.fromtimestamp(epoch(), timezone.utc))
    return f'homing ({version}-1) stable; urgency=medium\n\n  * See changelog.gz for the changes.\n\n -- {maintainer}  {date}\n'


def tree(home, version, binary, licences):
    """What is installed."""
    out = Tree()
    out.add('usr/bin/homing', binary, 0o755)
    for page in ('man1/homing.1', 'man5/homing.conf.5'):
        out.add(f'usr/share/man/{page}.gz', gz((home / 'packaging/man' / page[5:]).read_bytes()))
    out.add('etc/homing.conf', home / 'packaging/homing.conf', 0o640)
    # For key files. postinst gives it to the group homing.
    out.folder('etc/homing', 0o750)
    systemd = home / 'packaging/systemd'
    for unit in sorted(systemd.glob('homing*.*')):
        out.add(f'usr/lib/systemd/system/{unit.name}', unit)
    out.add('usr/lib/sysusers.d/homing.conf', systemd / 'sysusers.conf')
    for shell, path in (('homing.bash', 'usr/share/bash-completion/completions/homing'),
                        ('_homing', 'usr/share/zsh/vendor-completions/_homing'),
                        ('homing.fish', 'usr/share/fish/vendor_completions.d/homing.fish')):
        out.add(path, home / 'packaging/completions' / shell)
    doc = 'usr/share/doc/homing'
    out.add(f'{doc}/changelog.gz', gz((home / 'CHANGELOG.md').read_bytes()))
    maintainer = re.search('^Maintainer: (.+)$', (home / 'packaging/debian/control').read_text(), re.M)[1]
    out.add(f'{doc}/changelog.Debian.gz', gz(changelog(version, maintainer).encode()))
    out.add(f'{doc}/README.md.gz', gz((home / 'README.md').read_bytes()))
    out.add(f'{doc}/licenses.gz', gz(licences.encode()))
    out.add(f'{doc}/examples/50-homing.networkmanager', systemd / '50-homing.networkmanager', 0o755)
    out.add(f'{doc}/examples/90-homing.dhcpcd', systemd / '90-homing.dhcpcd')
    out.add(f'{doc}/examples/credential.conf', systemd / 'credential.conf')
    out.add(f'{doc}/examples/homing.cron', home / 'packaging/cron/homing')
    # Each example in README is a complete configuration.
    for number, example in enumerate(re.findall(r'^```ini\n(.*?)^```', (home / 'README.md').read_text(), re.M | re.S), 1):
        name = re.search(r'^provider = (\S+)', example, re.M)
        out.add(f'{doc}/examples/{number}-{name[1] if name else "homing"}.conf', example)
    licence = (home / 'LICENSE').read_text()
    holder = re.search(r'Copyright \(c\) (.+)', licence)[1]
    body = licence.split('\n\n', 2)[2].strip()
    body = '\n'.join(' ' + (line or '.') for line in body.splitlines())
    out.add(f'{doc}/copyright', COPYRIGHT.format(holder=holder, text=body))
    out.add('usr/share/lintian/overrides/homing', home / 'packaging/debian/lintian-overrides')
    return out


def control(home, version, architecture, size):
    return (home / 'packaging/debian/control').read_text().format(version=version, architecture=architecture, size=size)


def build(home, version, architecture, binary, licences):
    """The package as bytes."""
    data = tree(home, version, binary, licences)
    about = Tree()
    about.add('control', control(home, version, architecture, data.size()))
    about.add('conffiles', '/etc/homing.conf\n')
    sums = [f'{hashlib.md5(content).hexdigest()}  {path}\n' for path, content in data.files() if path != 'etc/homing.conf']
    about.add('md5sums', ''.join(sums))
    for script in ('postinst', 'prerm', 'postrm'):
        about.add(script, home / 'packaging/debian' / script, 0o755)
    return ar([('debian-binary', b'2.0\n'), ('control.tar.gz', gz(about.tar())), ('data.tar.gz', gz(data.tar()))])
