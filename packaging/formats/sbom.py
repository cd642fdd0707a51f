"""The crates in the binary: a CycloneDX 1.5 bill of materials, and their licences."""
import json, os, pathlib, re, subprocess, uuid
from datetime import datetime, timezone
from .archive import epoch

TARGET = 'arm-unknown-linux-musleabihf'


def crates(repository):
    """The crates that cargo builds into homing, without those of tests and build scripts; the crate homing; the dependencies of
    each; and all packages by id."""
    metadata = subprocess.run(['cargo', 'metadata', '--locked', '--format-version', '1', '--filter-platform', TARGET],
                              cwd=repository, check=True, capture_output=True, text=True).stdout
    metadata = json.loads(metadata)
    packages = {package['id']: package for package in metadata['packages']}
    nodes = {node['id']: node for node in metadata['resolve']['nodes']}
    root = metadata['resolve']['root']
    wanted, rest = set(), [root]
    while rest:
        here = rest.pop()
        if here not in wanted:
            wanted.add(here)
            rest += [dep['pkg'] for dep in nodes[here]['deps'] if any(kind['kind'] is None for kind in dep['dep_kinds'])]
    wanted.discard(root)
    depends = {id: sorted(dep['pkg'] for dep in nodes[id]['deps'] if dep['pkg'] in wanted)
               for id in wanted | {root}}
    return (sorted((packages[id] for id in wanted), key=lambda package: (package['name'], package['version'])),
            packages[root], depends, packages)


def checksums(repository):
    lock = (pathlib.Path(repository) / 'Cargo.lock').read_text()
    found = re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"\nsource = "[^"]+"\nchecksum = "([0-9a-f]{64})"', lock)
    return {(name, version): checksum for name, version, checksum in found}


def rust_version():
    """The version of the compiler whose standard library is in the binaries: that of cross/toolchain if it is installed."""
    own = pathlib.Path(os.environ.get('HOMING_CROSS_CACHE', 'target/cross')) / 'bin/rustc'
    version = subprocess.run([own if own.exists() else 'rustc', '--version'], check=True, capture_output=True, text=True)
    return version.stdout.split()[1]


def purl(package):
    return f'pkg:cargo/{package["name"]}@{package["version"]}'


def bill(repository, binaries):
    """The bill as text. `binaries` are pairs of target and SHA-256 of the packaged binaries."""
    found, root, depends, packages = crates(repository)
    sums = checksums(repository)
    components = []
    for package in found:
        components.append({
            'type': 'library', 'bom-ref': purl(package), 'name': package['name'], 'version': package['version'],
            'scope': 'required', 'purl': purl(package),
            'licenses': [{'expression': (package['license'] or 'NOASSERTION').replace('/', ' OR ')}],
            'hashes': [{'alg': 'SHA-256', 'content': sums[package['name'], package['version']]}],
        })
    # zig's C library (cross/toolchain).
    components.append({'type': 'library', 'bom-ref': 'pkg:generic/musl@1.2.5', 'name': 'musl', 'version': '1.2.5',
                       'scope': 'required', 'purl': 'pkg:generic/musl@1.2.5', 'licenses': [{'expression': 'MIT'}]})
    std = rust_version()
    components.append({'type': 'library', 'bom-ref': 'rust-std', 'name': 'rust-std', 'version': std, 'scope': 'required',
                       'licenses': [{'expression': 'MIT OR Apache-2.0'}]})
    bill = {
        'bomFormat': 'CycloneDX', 'specVersion': '1.5', 'version': 1,
        'metadata': {
            'timestamp': datetime.fromtimestamp(epoch(), timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ'),
            'component': {
                'type': 'application', 'bom-ref': purl(root), 'name': 'homing', 'version': root['version'],
                'purl': purl(root), 'licenses': [{'expression': root['license']}],
                'properties': [{'name': f'homing:sha256:{target}', 'value': value} for target, value in sorted(binaries)],
            },
        },
        'components': components,
        'dependencies': [{'ref': purl(packages[id]), 'dependsOn': [purl(packages[dep]) for dep in deps]}
                         for id, deps in sorted(depends.items(), key=lambda item: purl(packages[item[0]]))],
    }
    text = json.dumps(bill, sort_keys=True)
    bill['serialNumber'] = f'urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, text)}'
    return json.dumps(bill, indent=1, sort_keys=True) + '\n'


def licences(repository):
    """The licence texts of all linked crates, each text once, with the crates that use it."""
    found, *_ = crates(repository)
    texts = {}
    for package in found:
        folder = pathlib.Path(package['manifest_path']).parent
        files = sorted(path for path in folder.rglob('*') if re.match(r'(?i)(licen[cs]e|copying|notice)([-.]|$)', path.name)
                       and path.is_file() and path.suffix in ('', '.md', '.txt') or re.match(r'LICENSE-', path.name))
        for file in files:
            text = file.read_text(errors='replace').strip()
            texts.setdefault(text, []).append(f'{package["name"]} {package["version"]} ({package["license"]})')
    parts = [f'{", ".join(sorted(set(users)))}:\n\n{text}\n' for text, users in sorted(texts.items(), key=lambda item: item[1])]
    return 'Licences of the crates in the binary.\n\n' + ('\n' + '-' * 80 + '\n\n').join(parts)
