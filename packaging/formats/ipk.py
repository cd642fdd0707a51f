"""OpenWrt packages for opkg, in the format of its ipkg-build: a gzipped tar archive of debian-binary, data.tar.gz and
control.tar.gz."""
from .archive import Tree, gz

# The scripts that OpenWrt's build system adds to every package. They call functions of OpenWrt that enable, start and stop
# init scripts.
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


def pack(package):
    """The package as bytes."""
    about = Tree()
    about.add('control', package.control.replace('{size}', str(package.size())))
    about.add('conffiles', ''.join(f'{path}\n' for path in package.conffiles))
    about.add('postinst', POSTINST, 0o755)
    about.add('prerm', PRERM, 0o755)
    outer = Tree()
    outer.add('debian-binary', b'2.0\n')
    outer.add('data.tar.gz', gz(package.data.tar()))
    outer.add('control.tar.gz', gz(about.tar()))
    return gz(outer.tar())
