"""The programs that are compared: how each is set up to say the same thing to the same world. A tool writes its settings into a
folder and gives back its command; `state` names the files by which it remembers, None where it cannot do what is asked."""
import os, pathlib, shutil, subprocess
from world import BASIC, OLD, PASSWORD, TOKEN, USER

here = pathlib.Path(__file__).resolve().parent
root = here.parent.parent
work = pathlib.Path(os.environ.get('CARGO_TARGET_DIR', root / 'target')).resolve() / 'bench'


class Case:
    """What is to be done: `way` is http, https, bundle (https, trusting a bundle as long as a distribution's), p384 or chain (the
    same with other certificates: world.py) or dns; `hosts`
    in `zones` (none: one dyndns2 service, with `lists` or one by one); `both` families or IPv4 alone."""
    def __init__(self, name, way='http', hosts=1, zones=0, lists=False, both=False, change=False, cold=False):
        self.name, self.way, self.lists, self.both, self.change, self.cold = name, way, lists, both, change, cold
        self.zones = [f'zone{n}.example' for n in range(zones)]
        domain = lambda n: self.zones[n % zones] if zones else 'dyn.example'
        self.hosts = [f'h{n}.{domain(n)}' for n in range(hosts)]

    def base(self, world):
        secure = {'https': world.https, 'bundle': world.https, 'p384': world.p384, 'chain': world.chain}
        return f'https://localhost:{secure[self.way]}' if self.way in secure else f'http://localhost:{world.http}'

    def trusted(self, folder):
        return folder.parent / ('ca.pem' if self.way in ('http', 'https') else 'bundle.pem')


def homing(binary):
    def setup(folder, case, world):
        lib, base = folder / 'lib', case.base(world)
        lib.mkdir(mode=0o700)
        text = [f'ipv4 = {"opendns" if case.way == "dns" else "page"}', f'state = {lib}/state', f'history = {lib}/history',
                f'ca_file = {case.trusted(folder)}', 'deadline = 3600s']
        text += [f'[detector:opendns]\nserver = 127.0.0.1:{world.dns}' if case.way == 'dns' else
                 f'[detector:page]\nkind = web\nurl = {base}/ip']
        if case.both:
            # localhost need not have an IPv6 address, and without a name there is nothing to verify.
            text = ['ipv6 = page6', *text, f'[detector:page6]\nkind = web\nurl = http://[::1]:{world.http}/ip6']
        text += ['[home]', 'hosts = ' + ', '.join(case.hosts)]
        if case.zones:
            text += ['provider = cloudflare', f'url = {base}/client/v4', f'token = {TOKEN}', 'create = no']
            text += [f'zone = {case.zones[0]}'] if len(case.zones) == 1 else []
        else:
            text += ['provider = dyndns2', f'url = {base}/nic/update', f'user = {USER}', f'password = {PASSWORD}',
                     f'batch = {"yes" if case.lists else "no"}']
        write(folder / 'conf', '\n'.join(text) + '\n')
        return [binary, '-c', folder / 'conf'], {'RUNTIME_DIRECTORY': run_folder(folder)}
    return setup


def ddclient(folder, case, world):
    if case.way == 'dns' or case.both or (case.zones and case.way == 'http') or not (case.lists or len(case.hosts) == 1 or case.zones):
        return None
    # It takes no server without a dot.
    base = case.base(world).replace('localhost', '127.0.0.1')
    server = base.partition('://')[2]
    text = [f'ssl={"yes" if "https" in base else "no"}', f'ssl_ca_file={case.trusted(folder)}', f'use=web, web={base}/ip', 'min-interval=0']
    for zone in case.zones or [None]:
        own = ','.join(host for host in case.hosts if zone is None or host.endswith('.' + zone))
        text.append(f'protocol=cloudflare, server={server}/client/v4, zone={zone}, login=token, password={TOKEN} {own}' if zone else
                    f'protocol=dyndns2, server={server}, login={USER}, password={PASSWORD} {own}')
    write(folder / 'conf', '\n'.join(text) + '\n')
    return ['ddclient', '-daemon=0', '-foreground', '-file', folder / 'conf', '-cache', folder / 'cache', '-pid', folder / 'pid'], {}


def inadyn(folder, case, world):
    if case.way == 'dns' or case.lists or case.zones or case.both:
        return None
    secure = str('https' in case.base(world)).lower()
    server = case.base(world).partition('://')[2]
    write(folder / 'conf', f'''iterations = 1
ca-trust-file = {case.trusted(folder)}
custom bench {{
    ssl = {secure}
    checkip-ssl = {secure}
    checkip-server = "{server}"
    checkip-path = "/ip"
    ddns-server = "{server}"
    ddns-path = "/nic/update?hostname=%h&myip=%i"
    username = {USER}
    password = {PASSWORD}
    hostname = {{ {", ".join(case.hosts)} }}
}}
''')
    return ['inadyn', '-1', '-n', '-l', 'err', '--cache-dir', folder, '-f', folder / 'conf', '-P', folder / 'pid'], {}


def dyndnsc(folder, case, world):
    if case.way == 'dns' or len(case.hosts) > 1 or case.zones or case.both:
        return None
    base = case.base(world)
    write(folder / 'conf', f'''[dyndnsc]
configs = home
[home]
updater = dyndns2
updater-url = {base}/nic/update
updater-userid = {USER}
updater-password = {PASSWORD}
updater-hostname = {case.hosts[0]}
detector = webcheck4
detector-url = {base}/ip
detector-parser = plain
''')
    return [work / 'venv/bin/dyndnsc', '-c', folder / 'conf'], {'REQUESTS_CA_BUNDLE': case.trusted(folder), 'HOME': folder}


SCRIPT = '''set -e
ip=$({get} "{base}/ip")
[ "$ip" != "$(cat last 2>/dev/null)" ] || exit 0
for host in {hosts}; do
    {get} {login} "{base}/nic/update?hostname=$host&myip=$ip" | grep -Eq '^(good|nochg)'
done
echo "$ip" >last
'''


def script(shell, get, login):
    """The script that people write: what was said last is in a file."""
    def setup(folder, case, world):
        if case.way == 'dns' or case.zones or case.both:
            return None
        groups = [case.hosts[n:n + 20] for n in range(0, len(case.hosts), 20)] if case.lists else [[h] for h in case.hosts]
        write(folder / 'script', SCRIPT.format(get=get.format(ca=case.trusted(folder)), login=login, base=case.base(world),
                                               hosts=' '.join(','.join(group) for group in groups)))
        return [*shell, folder / 'script'], {}
    return setup


curl = script(['sh'], 'curl -sS -f --cacert {ca}', f'-u {USER}:{PASSWORD}')
# Busybox does not verify certificates, whatever it is told; without the option it says so each time. Its own shell starts
# wget by /proc/self/exe, which under valgrind is valgrind.
wget = script(['sh'], 'busybox wget -q -O - --no-check-certificate', f"--header 'Authorization: {BASIC}'")


def floor_c(folder, case, world):
    return ([work / 'floor', str(world.http)], {}) if case.way == 'http' and not case.change and len(case.hosts) == 1 else None


def floor_rust(program):
    def setup(folder, case, world):
        if case.way == 'dns' or case.change or len(case.hosts) > 1 or case.both:
            return None
        secure = case.way != 'http'
        return [program, case.base(world).rpartition(':')[2], *([case.trusted(folder)] if secure else [])], {}
    return setup


def write(path, text):
    path.write_text(text)
    path.chmod(0o600)


def run_folder(folder):
    """Where homing notes the time of a pass: memory, as /run is."""
    path = pathlib.Path('/dev/shm' if os.access('/dev/shm', os.W_OK) else folder) / f'homing-bench-{os.getpid()}'
    path.mkdir(exist_ok=True)
    return path


def libraries(program):
    """What a program loads, itself included."""
    told = subprocess.run(['ldd', program], capture_output=True, text=True).stdout
    return {pathlib.Path(word).resolve() for line in told.splitlines() for word in line.split() if word.startswith('/')} | {
        pathlib.Path(program).resolve()}


def weigh(paths):
    return sum(path.stat().st_size for path in paths)


def packages(*names):
    """Installed bytes of Debian packages and all that they depend on, the C library included."""
    command = ['apt-cache', 'depends', '--recurse', '--no-recommends', '--no-suggests', '--no-conflicts', '--no-breaks',
               '--no-replaces', '--no-enhances', '--installed', *names]
    found = {line for line in subprocess.run(command, capture_output=True, text=True).stdout.splitlines() if line[:1].isalnum()}
    told = subprocess.run(['dpkg-query', '-W', '-f', '${db:Status-Abbrev} ${Installed-Size}\n', *sorted(found)],
                          capture_output=True, text=True).stdout
    return 1024 * sum(int(line.split()[1]) for line in told.splitlines() if line.startswith('ii') and line.split()[1:])


def venv():
    files = [path for path in (work / 'venv').rglob('*') if path.is_file() and not path.is_symlink()]
    return sum(path.stat().st_size for path in files) + packages('python3')


cross = pathlib.Path(os.environ.get('HOMING_CROSS_CACHE', root / 'target/cross')).resolve()
static = cross / 'out/x86_64-unknown-linux-musl/homing'
static_floor = static.with_name('floor')
release = work.parent / 'release/homing'
release_floor = work.parent / 'release/examples/floor'

# name: setup, installed bytes with everything that is needed, how to learn its version
TOOLS = {
    'floor in C': (floor_c, lambda: weigh([work / 'floor']), None),
    'floor static': (floor_rust(static_floor), lambda: weigh([static_floor]), None),
    'floor glibc': (floor_rust(release_floor), lambda: weigh(libraries(release_floor)), None),
    'homing static': (homing(static), lambda: weigh([static]), [static, '--version']),
    'homing glibc': (homing(release), lambda: weigh(libraries(release)), [release, '--version']),
    'inadyn': (inadyn, lambda: packages('inadyn'), ['inadyn', '--version']),
    'ddclient': (ddclient, lambda: packages('ddclient', 'libio-socket-ssl-perl'), ['dpkg-query', '-Wf', '${Version}', 'ddclient']),
    'dyndnsc': (dyndnsc, venv, [work / 'venv/bin/dyndnsc', '--version']),
    'curl script': (curl, lambda: packages('curl', 'dash', 'grep'), ['dpkg-query', '-Wf', '${Version}', 'curl']),
    'busybox wget': (wget, lambda: packages('busybox', 'busybox-static', 'dash', 'grep'), ['busybox']),
}
