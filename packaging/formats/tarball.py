"""Plain archives, with instructions in the file INSTALL."""
from .archive import Tree, gz


def build(home, version, target, binary, licences):
    """The archive as bytes."""
    packaging = home / 'packaging'
    tree = Tree()
    tree.add('homing', binary, 0o755)
    for name in ('README.md', 'CHANGELOG.md', 'LICENSE'):
        tree.add(name, home / name)
    tree.add('INSTALL', packaging / 'INSTALL')
    tree.add('licenses.txt', licences)
    tree.add('homing.conf', packaging / 'homing.conf')
    for page in ('homing.1', 'homing.conf.5'):
        tree.add(f'man/{page}', packaging / 'man' / page)
    for file in sorted((packaging / 'completions').iterdir()):
        if file.name != 'generate':
            tree.add(f'completions/{file.name}', file)
    tree.add('cron/homing', packaging / 'cron/homing')
    for file in sorted((packaging / 'systemd').iterdir()):
        # INSTALL puts the program into /usr/local/bin.
        tree.add(f'systemd/{file.name}', file.read_text().replace('ExecStart=/usr/bin/', 'ExecStart=/usr/local/bin/'))
    return gz(tree.tar(prefix=f'homing-{version}-{target}/'))
