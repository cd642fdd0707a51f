"""What the package tests share: a world on loopback that answers like a detector and a provider, roots, and running."""
import hashlib, http.server, os, pathlib, re, shutil, stat, subprocess, sys, tempfile, threading

HERE = pathlib.Path(__file__).resolve().parent
HOME = HERE.parent.parent
PACKAGES = pathlib.Path(os.environ.get('HOMING_PACKAGES', HOME / 'target/packages')).resolve()
ADDRESS = '198.41.0.4'
VERSION = re.search(r'^version = "(.+)"', (HOME / 'Cargo.toml').read_text(), re.M)[1]


class Missing(Exception):
    """Something that is this machine's, not the packages', stands in the way of a test."""


def skip(kind, error, trace):
    if kind is Missing:
        print(f'SKIPPED: {os.path.basename(sys.argv[0])}: {error}', flush=True)
        os._exit(0)
    sys.__excepthook__(kind, error, trace)


sys.excepthook = skip
if os.geteuid() != 0:
    raise Missing('needs root')


class World:
    """A server on loopback. `asked` has each request but the detector's: (method, target, headers, body)."""

    def __init__(self):
        self.asked = asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0)).decode()
                answer = ADDRESS if self.path == '/ip' else f'good {ADDRESS}'
                if self.path != '/ip':
                    asked.append((self.command, self.path, dict(self.headers), body))
                self.send_response(200)
                self.send_header('Content-Length', str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

            do_POST = do_PUT = do_PATCH = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f'http://127.0.0.1:{self.server.server_port}'

    def settings(self, secret='password = s3cret'):
        """A config that detects and pushes here."""
        return (f'ipv4 = web\n[detector:web]\nkind = web\nurl = {self.url}/ip\n'
                f'[home]\nprovider = dyndns2\nurl = {self.url}/nic/update\nhosts = a.example.com\nuser = alice\n{secret}\n')


def run(*words, code=0, **more):
    """Runs it to its end; anything but `code` is a failure that shows what it said."""
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors='replace', timeout=600, stdin=subprocess.DEVNULL, **more)
    assert code is None or done.returncode == code, f'{" ".join(map(str, words))}: exit {done.returncode}\n{done.stdout}'
    return done.stdout


def need(**commands):
    """Installs the Debian packages whose commands are missing: package='command', with _ for -."""
    missing = [package.replace('_', '-') for package, command in commands.items() if not shutil.which(command)]
    if not missing:
        return
    install = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', *missing]
    quiet = {'env': os.environ | {'DEBIAN_FRONTEND': 'noninteractive'}, 'capture_output': True}
    if subprocess.run(install, **quiet).returncode:
        subprocess.run(['apt-get', 'update', '-q'], **quiet)
        if subprocess.run(install, **quiet).returncode:
            raise Missing(f'apt-get install {" ".join(missing)} failed')


def distribution():
    """The Debian that this machine is, and where its packages come from."""
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)', pathlib.Path('/etc/os-release').read_text(), re.M))
    suite = release.get('VERSION_CODENAME', 'bookworm') if release.get('ID') == 'debian' else 'bookworm'
    told = subprocess.run(['apt-get', 'indextargets', '--format', '$(REPO_URI) $(CODENAME) $(COMPONENT)', 'Created-By: Packages'],
                          capture_output=True, text=True).stdout
    mirror = next((line.split()[0] for line in told.splitlines() if line.endswith(f' {suite} main')), None)
    if not mirror:
        raise Missing(f"apt's sources name no Debian {suite}")
    return suite, mirror


def readme(heading):
    """The commands of README under this heading, without `sudo` and what stands behind a comment."""
    text = (HOME / 'README.md').read_text()
    part = re.search(rf'^### {heading}.*?$(.*?)(?=^##|\Z)', text, re.M | re.S)[1]
    blocks = re.findall(r'^```sh\n(.*?)^```', part, re.M | re.S)
    return [line.removeprefix('sudo ') for block in blocks for line in block.splitlines() if line]


def root(folder, architecture=None):
    """A small Debian below `folder`, made once and kept below target/; of this machine's architecture if none is named."""
    kept = HOME / f'target/packages-test/root{"-" + architecture if architecture else ""}.tar'
    if not kept.exists():
        need(mmdebstrap='mmdebstrap', **({'arch_test': 'arch-test'} if architecture else {}))
        kept.parent.mkdir(parents=True, exist_ok=True)
        print('making a root (mmdebstrap)', flush=True)
        suite, mirror = distribution()
        words = ['mmdebstrap', '--variant=essential', '--mode=root', *([f'--architectures={architecture}'] if architecture else []),
            '--aptopt=Acquire::Languages "none"',
            '--include=systemd,init-system-helpers,passwd,ca-certificates,cron,apt',
            '--dpkgopt=path-exclude=/usr/share/man/*', '--dpkgopt=path-exclude=/usr/share/locale/*',
            suite, kept.with_suffix('.new.tar'), mirror]
        made = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if made.returncode:
            raise Missing(f'no root could be made: {made.stdout.strip().splitlines()[-1:]}')
        os.rename(kept.with_suffix('.new.tar'), kept)
    pathlib.Path(folder).mkdir(parents=True)
    run('tar', '-C', folder, '-xf', kept)
    return pathlib.Path(folder)


class Emulated:
    """While it lasts, programs for these machines run by qemu-user, in any root (binfmt_misc, for all of this machine)."""
    PLACE = pathlib.Path('/proc/sys/fs/binfmt_misc')
    # Where the machine stands in an ELF header; the type may be a program or what is loaded anywhere.
    MACHINES = {'arm': (1, 0x28), 'aarch64': (2, 0xB7)}

    def __enter__(self):
        self.ours = []
        self.mounted = not (self.PLACE / 'register').exists()
        if self.mounted and subprocess.run(['mount', '-t', 'binfmt_misc', 'binfmt_misc', self.PLACE], capture_output=True).returncode:
            raise Missing('binfmt_misc cannot be mounted')
        for name, (width, machine) in self.MACHINES.items():
            if not (self.PLACE / f'qemu-{name}').exists():
                magic = b'\x7fELF' + bytes([width, 1, 1] + [0] * 9 + [2, 0, machine, 0])
                mask = b'\xff' * 7 + b'\x00' + b'\xff' * 8 + b'\xfe' + b'\xff' * 3
                escaped = [''.join(f'\\x{byte:02x}' for byte in text) for text in (magic, mask)]
                program = shutil.which(f'qemu-{name}-static')
                (self.PLACE / 'register').write_text(f':homing-{name}:M::{escaped[0]}:{escaped[1]}:{program}:F')
                self.ours.append(f'homing-{name}')

    def __exit__(self, *_):
        for name in self.ours:
            (self.PLACE / name).write_text('-1')
        if self.mounted:
            run('umount', self.PLACE)


def snapshot(folder, *but):
    """Everything below a folder: mode, owner and content by path; `but` are patterns of paths to leave out."""
    seen = {}
    for path in sorted(pathlib.Path(folder).rglob('*')):
        name = '/' + str(path.relative_to(folder))
        if any(re.search(pattern, name) for pattern in but):
            continue
        found = path.lstat()
        content = ''
        if stat.S_ISREG(found.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        elif stat.S_ISLNK(found.st_mode):
            content = os.readlink(path)
        seen[name] = (stat.filemode(found.st_mode), found.st_uid, found.st_gid, content)
    return seen


def scratch():
    return pathlib.Path(tempfile.mkdtemp(prefix='homing-packages-'))


def said(text):
    print(f'{os.path.basename(sys.argv[0])}: {text}', flush=True)
