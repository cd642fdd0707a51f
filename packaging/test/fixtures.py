"""Shared parts of the package tests: a server on loopback that answers as a detector and a provider, Debian roots, and
functions that run commands."""
import hashlib, http.server, os, pathlib, re, shutil, stat, subprocess, sys, tempfile, threading

HERE = pathlib.Path(__file__).resolve().parent
HOME = HERE.parent.parent
PACKAGES = pathlib.Path(os.environ.get('HOMING_PACKAGES', HOME / 'target/packages')).resolve()
ADDRESS = '198.41.0.4'
VERSION = re.search(r'^version = "(.+)"', (HOME / 'Cargo.toml').read_text(), re.M)[1]


class Missing(Exception):
    """A test cannot run on this machine, for a reason that is not in the packages."""


def skip(kind, error, trace):
    """Ends a test that raises Missing with exit code 0 and a message."""
    if kind is Missing:
        print(f'SKIPPED: {os.path.basename(sys.argv[0])}: {error}', flush=True)
        os._exit(0)
    sys.__excepthook__(kind, error, trace)


sys.excepthook = skip
if os.geteuid() != 0:
    raise Missing('needs root')


class Server:
    """A server on loopback. `requests` contains each request except those of the detector: (method, target, headers, body).
    `detections` counts those."""

    def __init__(self):
        self.requests = requests = []
        self.detections = 0

        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0)).decode()
                answer = ADDRESS if self.path == '/ip' else f'good {ADDRESS}'
                if self.path == '/ip':
                    server.detections += 1
                else:
                    requests.append((self.command, self.path, dict(self.headers), body))
                self.send_response(200)
                self.send_header('Content-Length', str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

            do_POST = do_PUT = do_PATCH = do_GET

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f'http://127.0.0.1:{self.http.server_port}'

    def settings(self, secret='password = s3cret'):
        """A configuration whose detector and provider are this server."""
        return (f'ipv4 = web\n[detector:web]\nkind = web\nurl = {self.url}/ip\n'
                f'[home]\nprovider = dyndns2\nurl = {self.url}/nic/update\nhosts = a.example.com\nuser = alice\n{secret}\n')


def run(*command, code=0, **more):
    """Runs a command and returns its output. Fails with the output if it does not exit with `code` (None allows any)."""
    done = subprocess.run([str(argument) for argument in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors='replace', timeout=600, stdin=subprocess.DEVNULL, **more)
    assert code is None or done.returncode == code, f'{" ".join(map(str, command))}: exit {done.returncode}\n{done.stdout}'
    return done.stdout


def need(**commands):
    """Installs Debian packages whose command is missing. Arguments: package='command', with _ for - in the package's name."""
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
    """The codename of this machine's Debian, and the URL of its package archive."""
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)', pathlib.Path('/etc/os-release').read_text(), re.M))
    suite = release.get('VERSION_CODENAME', 'bookworm') if release.get('ID') == 'debian' else 'bookworm'
    output = subprocess.run(['apt-get', 'indextargets', '--format', '$(REPO_URI) $(CODENAME) $(COMPONENT)', 'Created-By: Packages'],
                          capture_output=True, text=True).stdout
    mirror = next((line.split()[0] for line in output.splitlines() if line.endswith(f' {suite} main')), None)
    if not mirror:
        raise Missing(f"apt's sources name no Debian {suite}")
    return suite, mirror


def readme(heading):
    """The commands in README below a heading, without `sudo`."""
    text = (HOME / 'README.md').read_text()
    part = re.search(rf'^### {heading}.*?$(.*?)(?=^##|\Z)', text, re.M | re.S)[1]
    blocks = re.findall(r'^```sh\n(.*?)^```', part, re.M | re.S)
    return [line.removeprefix('sudo ') for block in blocks for line in block.splitlines() if line]


def root(folder, architecture=None):
    """Unpacks a small Debian root to `folder`. It is built once and kept in target/packages-test."""
    kept = HOME / f'target/packages-test/root{"-" + architecture if architecture else ""}.tar'
    if not kept.exists():
        need(mmdebstrap='mmdebstrap', **({'arch_test': 'arch-test'} if architecture else {}))
        kept.parent.mkdir(parents=True, exist_ok=True)
        print('building a Debian root (mmdebstrap)', flush=True)
        suite, mirror = distribution()
        command = ['mmdebstrap', '--variant=essential', '--mode=root', *([f'--architectures={architecture}'] if architecture else []),
            '--aptopt=Acquire::Languages "none"',
            '--include=systemd,init-system-helpers,passwd,ca-certificates,cron,apt',
            '--dpkgopt=path-exclude=/usr/share/man/*', '--dpkgopt=path-exclude=/usr/share/locale/*',
            suite, kept.with_suffix('.new.tar'), mirror]
        made = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if made.returncode:
            raise Missing(f'mmdebstrap failed: {made.stdout.strip().splitlines()[-1:]}')
        os.rename(kept.with_suffix('.new.tar'), kept)
    pathlib.Path(folder).mkdir(parents=True)
    run('tar', '-C', folder, '-xf', kept)
    return pathlib.Path(folder)


class Emulated:
    """While this context is active, the kernel runs ARM programs with qemu-user, in any root on this machine (binfmt_misc)."""
    PLACE = pathlib.Path('/proc/sys/fs/binfmt_misc')
    # The class (32 or 64 bits) and the machine in the ELF header. The mask allows both types of executables.
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
    """The mode, owner and content of each path below a folder. `but` are regular expressions of paths to leave out."""
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


def report(text):
    print(f'{os.path.basename(sys.argv[0])}: {text}', flush=True)
