"""A container image for several platforms, as an OCI layout in a tar archive, built without a container engine. It contains the
binary, CA certificates and a folder for the state."""
import json, pathlib
from datetime import datetime, timezone
from .archive import Tree, epoch, gz, sha256

PLATFORMS = {
    'linux/amd64': 'x86_64-unknown-linux-musl',
    'linux/arm64': 'aarch64-unknown-linux-musl',
    'linux/arm/v6': 'arm-unknown-linux-musleabihf',
    'linux/arm/v7': 'armv7-unknown-linux-musleabihf',
}
# The certificates of Debian's ca-certificates, without those that the administrator of this machine added.
ROOTS = pathlib.Path('/usr/share/ca-certificates/mozilla')
# A user id that hosts do not use.
USER = 65532


def roots():
    """The CA certificates, in the order of Debian's bundle."""
    found = sorted(ROOTS.glob('*.crt'))
    assert found, f'no certificates in {ROOTS} (Debian: ca-certificates)'
    return b''.join(file.read_bytes().rstrip(b'\n') + b'\n' for file in found)


def build(version, platforms, licences):
    """The image as bytes. `platforms` maps a platform to its binary."""
    created = datetime.fromtimestamp(epoch(), timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
    layout, trusted = Tree(), roots()

    def blob(content, kind):
        content = content if isinstance(content, bytes) else json.dumps(content, sort_keys=True).encode()
        layout.add(f'blobs/sha256/{sha256(content)}', content)
        return {'mediaType': f'application/vnd.oci.image.{kind}', 'digest': f'sha256:{sha256(content)}', 'size': len(content)}

    manifests = []
    for name, binary in sorted(platforms.items()):
        system, machine, *variant = name.split('/')
        platform = {'os': system, 'architecture': machine} | ({'variant': variant[0]} if variant else {})
        root = Tree()
        root.add('homing', binary, 0o755)
        root.add('licenses', licences)
        root.add('etc/ssl/certs/ca-certificates.crt', trusted)
        root.folder('etc/homing')
        root.folder('var')
        root.folder('var/lib')
        root.folder('var/lib/homing', 0o750, USER)
        # For the record of the last pass.
        root.folder('run', 0o750, USER)
        layer = root.tar(prefix='')
        config = platform | {
            'created': created,
            'config': {
                'Entrypoint': ['/homing'], 'Cmd': ['--every', '5m'], 'User': f'{USER}:{USER}', 'WorkingDir': '/',
                'Volumes': {'/var/lib/homing': {}},
                # The first process of a container ignores SIGTERM. Killing homing is safe: the next pass repeats an
                # interrupted one.
                'StopSignal': 'SIGKILL',
                'Labels': {'org.opencontainers.image.title': 'homing', 'org.opencontainers.image.version': version,
                           'org.opencontainers.image.licenses': 'MIT'},
            },
            'rootfs': {'type': 'layers', 'diff_ids': [f'sha256:{sha256(layer)}']},
            'history': [{'created': created, 'created_by': 'packaging/build'}],
        }
        manifest = {
            'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json',
            'config': blob(config, 'config.v1+json'),
            'layers': [blob(gz(layer), 'layer.v1.tar+gzip')],
        }
        manifests.append(blob(manifest, 'manifest.v1+json') | {'platform': platform})
    index = {'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.index.v1+json', 'manifests': manifests}
    named = blob(index, 'index.v1+json') | {'annotations': {
        'org.opencontainers.image.ref.name': f'homing:{version}', 'io.containerd.image.name': f'localhost/homing:{version}'}}
    layout.add('index.json', json.dumps({'schemaVersion': 2, 'manifests': [named]}, sort_keys=True))
    layout.add('oci-layout', json.dumps({'imageLayoutVersion': '1.0.0'}))
    return layout.tar(prefix='')
