"""OpenWrt packages for apk, in format 2 (apk-v2(5)), which apk-tools 3 reads besides the format 3 that OpenWrt's build writes.
Two gzip streams, one after the other, form one tar archive: the metadata, and the files to install. There is no signature, so
install them with --allow-untrusted. apk-tools 3 needs more than the manual says (apk-tools:src/tar.c,
apk-tools:src/extract_v2.c, apk-tools:src/database.c): the SHA-256 of the second stream in the first, a checksum of each file
and link, each folder before its contents, and names without a leading ./."""
from .archive import Tree, epoch, gz, sha256

# The scripts that OpenWrt's build system adds to every package (openwrt:include/package-pack.mk). They call functions of OpenWrt
# that enable, start and stop the init scripts in the package's list of files.
HEAD = '[ -s ${{IPKG_INSTROOT}}/lib/functions.sh ] || exit 0\n. ${{IPKG_INSTROOT}}/lib/functions.sh\n' \
    'export root="${{IPKG_INSTROOT}}"\nexport pkgname="{name}"\n'
INSTALLED = '[ "${{IPKG_NO_SCRIPT}}" = "1" ] && exit 0\n' + HEAD + 'add_group_and_user\ndefault_postinst\n'
SCRIPTS = {
    '.post-install': '#!/bin/sh\n' + INSTALLED,
    '.post-upgrade': '#!/bin/sh\nexport PKG_UPGRADE=1\n' + INSTALLED,
    '.pre-deinstall': '#!/bin/sh\n' + HEAD + 'default_prerm\n',
}


def listed(package, name):
    """The files to install, with the lists that OpenWrt's functions and sysupgrade read."""
    data, folder = Tree(), f'lib/apk/packages/{name}'
    data.members = dict(package.data.members)
    data.add(f'{folder}.list', ''.join(f'/{path}\n' for path in package.data.installed()))
    data.add(f'{folder}.conffiles', ''.join(f'{path}\n' for path in package.conffiles))
    contents = dict(package.data.files())
    data.add(f'{folder}.conffiles_static', ''.join(f'{path} {sha256(contents[path[1:]])}\n' for path in package.conffiles))
    return data


def metadata(package, data):
    """The contents of .PKGINFO."""
    fields = package.fields
    version = fields['Version']
    lines = [('pkgname', fields['Package']), ('pkgver', version), ('pkgdesc', fields['Description']),
             ('builddate', epoch()), ('size', package.size()),
             ('arch', 'noarch' if fields['Architecture'] == 'all' else fields['Architecture']),
             ('license', fields['License']), ('maintainer', fields['Maintainer']), ('origin', 'homing')]
    lines += [('depend', name) for name in fields['Depends'].split(', ')]
    # Among packages that provide the same name with a version, apk installs only one, so this is also a conflict. `replaces`
    # allows the files of this package to overwrite those of the other package.
    if 'Provides' in fields:
        lines += [('provides', f'{fields["Provides"]}={version}'), ('replaces', fields['Replaces'])]
    lines.append(('datahash', sha256(data)))
    return ''.join(f'{key} = {value}\n' for key, value in lines)


def pack(package):
    """The package as bytes."""
    name = package.fields['Package']
    data = gz(listed(package, name).tar(prefix='', checksums=True))
    control = Tree()
    control.add('.PKGINFO', metadata(package, data))
    for script, text in SCRIPTS.items():
        control.add(script, text.format(name=name), 0o755)
    return gz(control.tar(prefix='', ends=False)) + data
