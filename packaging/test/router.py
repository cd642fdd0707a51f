"""What the tests of OpenWrt's packages share, whichever package manager they are for. In a root in which rc.common, procd and
netifd are stand-ins that write down what they are told (test/openwrt) the scripts run under busybox ash: those of the package,
start, reload, hotplug, the drop-in for LuCI. The feed's Makefile, read by make, must install the same files."""
import os, re, shutil, socket, struct, subprocess, sys, time

from world import *

EMULATORS = {'arm_arm1176jzf-s_vfp': 'qemu-arm-static -cpu arm1176', 'arm_cortex-a7_neon-vfpv4': 'qemu-arm-static -cpu cortex-a7',
             'aarch64_cortex-a53': 'qemu-aarch64-static -cpu cortex-a53', 'mipsel_24kc': 'qemu-mipsel-static -cpu 24Kc',
             'mips_24kc': 'qemu-mips-static -cpu 24Kc', 'x86_64': ''}
FILES = HOME / 'packaging/openwrt/files'
STUBS = HERE / 'openwrt'


def feed(scratch, package):
    """What the Makefile of the feed installs, by make itself with the least of OpenWrt's rules."""
    top = scratch / f'openwrt-{package}'
    (top / 'feeds/packages/lang/rust').mkdir(parents=True)
    (top / 'bin').mkdir()
    (top / 'bin/homing').write_text('')
    (top / 'rules.mk').write_text('INCLUDE_DIR := $(TOPDIR)\nINSTALL_DIR := install -d -m755\nINSTALL_BIN := install -m755\n'
                                  'INSTALL_CONF := install -m600\nINSTALL_DATA := install -m644\nLN := ln -sf\nPKG_INSTALL_DIR := $(TOPDIR)\n')
    # Conffiles that are no files of the package stay at a sysupgrade by a file in keep.d (openwrt:include/package-pack.mk).
    (top / 'package.mk').write_text(
        'define BuildPackage\n$(1):\n\t$$(call Package/$(1)/install,$(TOPDIR)/out)\n'
        '\tfor path in $$(strip $$(Package/$(1)/conffiles)); do test -f $(TOPDIR)/out/$$$$path || '
        '{ mkdir -p $(TOPDIR)/out/lib/upgrade/keep.d; echo $$$$path >>$(TOPDIR)/out/lib/upgrade/keep.d/$(1); }; done\nendef\n')
    (top / 'feeds/packages/lang/rust/rust-package.mk').write_text('RustBinPackage =\n')
    assert f'PKG_VERSION:={VERSION}\n' in (HOME / 'packaging/openwrt/Makefile').read_text()
    run('make', '-s', '-C', HOME / 'packaging/openwrt', f'TOPDIR={top}', package)
    out = top / 'out'
    return sorted((f'./{path.relative_to(out)}', os.readlink(path) if path.is_symlink() else path.stat().st_mode & 0o7777)
                  for path in out.rglob('*') if path.is_symlink() or path.is_file())


def bring_libraries(folder, program):
    """What a program of this machine needs besides itself: nothing if it is static."""
    linked = subprocess.run(['ldd', program], capture_output=True, text=True).stdout
    for library in re.findall(r'(/lib\S+)', linked):
        (folder / library[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, folder / library[1:])


def router(scratch):
    """A root with busybox and the stand-ins."""
    folder = scratch / 'router'
    for name in ('bin', 'dev', 'etc/config', 'lib/functions', 'tmp', 'var/run', 'var/log', 'proc', 'usr/bin', 'sbin'):
        (folder / name).mkdir(parents=True)
    shutil.copy(shutil.which('busybox'), folder / 'bin/busybox')
    bring_libraries(folder, folder / 'bin/busybox')
    run('chroot', folder, '/bin/busybox', '--install', '-s', '/bin')
    for name, place in (('functions.sh', 'lib'), ('network.sh', 'lib/functions'), ('rc.common', 'etc'), ('uci', 'usr/bin')):
        shutil.copy(STUBS / name, folder / place)
    for name in ('etc/rc.common', 'usr/bin/uci'):
        (folder / name).chmod(0o755)
    for device, minor in (('null', 3), ('random', 8), ('urandom', 9)):
        os.mknod(folder / 'dev' / device, stat.S_IFCHR | 0o666, os.makedev(1, minor))
        (folder / 'dev' / device).chmod(0o666)
    (folder / 'devices').write_text('wan lo\n')
    return folder


def log_of(folder):
    """The system's log of the root: what came, so far."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(folder / 'dev/log'))
    listener.setblocking(False)

    def read():
        lines = []
        while True:
            try:
                lines.append(listener.recv(4096).decode())
            except BlockingIOError:
                return lines
    return read


def until(condition):
    """Waits for what a script does in the background."""
    for _ in range(600):
        if condition():
            return True
        time.sleep(0.05)
    return False


def libraries(program):
    """The libraries that procd's ujail would mount for a program, found as ujail finds them. It starts a program without a
    dynamic section (since procd 93b2c2d, of 2022), and rejects one whose string table is not in the file (since procd 5a7cc30,
    of August 2026)."""
    binary = program.read_bytes()
    wide, order = binary[4] == 2, '<' if binary[5] == 1 else '>'
    word, size = ('Q', 8) if wide else ('I', 4)
    programs = struct.unpack_from(order + word, binary, 32 if wide else 28)[0]
    each, count = struct.unpack_from(order + 'HH', binary, 54 if wide else 42)
    segments = []
    for at in range(programs, programs + each * count, each):
        kind = struct.unpack_from(order + 'I', binary, at)[0]
        offset, address, length = (struct.unpack_from(order + word, binary, at + size * number)[0] for number in (1, 2, 4))
        segments.append((kind, offset, address, length))
    load, dynamic = 1, 2
    assert any(kind == load for kind, *_ in segments), f'{program}: not a program'
    found = [(offset, length) for kind, offset, _, length in segments if kind == dynamic]
    if not found:
        return []
    offset, length = found[0]
    entries = [struct.unpack_from(order + word * 2, binary, at) for at in range(offset, offset + length, size * 2)]
    strtab, needed = 5, 1
    table = next(value for tag, value in entries if tag == strtab)
    assert any(kind == load and address <= table < address + length for kind, _, address, length in segments), \
        f'{program}: the string table at {table:#x} is not in the file'
    return [value for tag, value in entries if tag == needed]


def jail(folder, world, emulator):
    """The process that procd was told to start, with the mounts that it was told of and nothing else, by bwrap: root without
    capabilities, the first process of its own, no new privileges. ujail's mounts of what is not there are none."""
    need(bubblewrap='bwrap')
    for file in (folder / 'etc/homing').iterdir():
        file.unlink()
    procd = [line.split(' ') for line in (folder / 'procd.log').read_text().splitlines()]
    command, mounts = [], []
    for words in procd:
        if words[:2] in (['set_param', 'command'], ['append_param', 'command']):
            command += words[2:]
        if words[0] == 'open_instance':
            command, mounts = [], []
        if words[0] in ('add_jail_mount', 'add_jail_mount_rw'):
            how = '--bind' if words[0].endswith('rw') else '--ro-bind'
            mounts += [word for path in words[1:] if (folder / path[1:]).exists() for word in (how, f'{folder}{path}', path)]
    if emulator:
        command = ['/usr/bin/emulator', *emulator.split()[1:], '/usr/bin/homing.board', *command[1:]]
    if os.environ.get('HOMING_STAND_IN'):
        mounts += ['--ro-bind', f'{folder}/lib', '/lib', '--ro-bind', f'{folder}/lib64', '/lib64']
    asked = len(world.asked)
    programs = [word for name in ('homing', 'homing.board', 'emulator') if (folder / 'usr/bin' / name).exists()
                for word in ('--ro-bind', f'{folder}/usr/bin/{name}', f'/usr/bin/{name}')]
    told = run('timeout', '--signal=KILL', '5', 'bwrap', '--die-with-parent', '--unshare-pid', '--unshare-ipc', '--as-pid-1', '--cap-drop', 'ALL',
               '--dev', '/dev', '--proc', '/proc', '--bind', folder / 'dev/log', '/dev/log',
               *programs, *mounts, *command, code=-9, env={})
    assert told == '' and len(world.asked) == asked + 2, (told, world.asked[asked:])
    assert {file.name for file in (folder / 'etc/homing').iterdir()} == {'state.json', 'history.log'}


def play(folder, world, emulator, package, commands):
    """The scripts, as the package manager, netifd, ntpd, procd and LuCI call them, and the commands of README."""
    read_log = log_of(folder)
    looks = []
    inner = world.server.RequestHandlerClass.do_GET

    def counted(handler):
        looks.append(handler.path)
        inner(handler)
    world.server.RequestHandlerClass.do_GET = counted
    passes = lambda: looks.count('/ip')

    def inside(*words, **variables):
        return run('chroot', folder, '/bin/sh', '-c', ' '.join(words), env={'PATH': '/bin:/usr/bin:/sbin', **variables})

    if not emulator:
        bring_libraries(folder, folder / 'usr/bin/homing')
    if emulator:
        # The scripts start homing; what they start is the emulator with it.
        words = emulator.split()
        shutil.copy(shutil.which(words[0]), folder / 'usr/bin/emulator')
        os.rename(folder / 'usr/bin/homing', folder / 'usr/bin/homing.board')
        (folder / 'usr/bin/homing').write_text(f'#!/bin/sh\nexec /usr/bin/emulator {" ".join(words[1:])} /usr/bin/homing.board "$@"\n')
        (folder / 'usr/bin/homing').chmod(0o755)
    assert inside('homing', '--version') == f'homing {VERSION}\n'
    # As installed: good settings, and nothing pushed.
    told = inside('homing', '--uci', '/etc/config/homing')
    assert 'ipv4 = ipify, opendns' in told and 'log = syslog' in told and '[' not in told.replace('homing --uci', ''), told

    # The package's script enables it and starts it.
    (folder / 'disabled').write_text('')
    inside(package.scripts['installed'])
    assert 'open_instance' in (folder / 'procd.log').read_text() and not (folder / 'disabled').exists()
    (folder / 'procd.log').unlink()

    config = (folder / 'etc/config/homing').read_text()
    config = config.replace("\tlist ipv4 'ipify'\n\tlist ipv4 'opendns'\n", "\tlist ipv4 'web'\n")
    config += (f"\nconfig detector 'web'\n\toption kind 'web'\n\toption url '{world.url}/ip'\n"
               f"config section 'home'\n\toption provider 'dyndns2'\n\toption url '{world.url}/nic/update'\n"
               "\tlist hosts 'a.example.com'\n\tlist hosts 'b.example.com'\n\toption user 'alice'\n\toption password 's3cret'\n")
    (folder / 'etc/config/homing').write_text(config)
    inside('/etc/init.d/homing', 'start')
    procd = (folder / 'procd.log').read_text()
    for line in ('set_param command /usr/bin/homing --config /var/run/homing/homing.conf --every 5m', 'add_jail homing log procfs',
                 'set_param file /var/run/homing/homing.conf /usr/bin/homing', 'set_param no_new_privs 1', 'add_jail_mount_rw /etc/homing /var/run/homing', 'add_reload_trigger homing ddns'):
        assert line in procd, f'{line}:\n{procd}'
    assert (folder / 'var/run/homing/homing.conf').stat().st_mode & 0o777 == 0o600
    assert (folder / 'var/run/homing').stat().st_mode & 0o777 == 0o700

    assert f'set_param pidfile /var/run/homing/pid' in procd
    hotplug = lambda script, **variables: inside('/bin/sh', f'/etc/hotplug.d/{script}/95-homing', **variables)
    hotplug('iface', ACTION='ifup', INTERFACE='guest')
    hotplug('iface', ACTION='ifdown', INTERFACE='wan')
    (folder / 'disabled').write_text('')
    hotplug('iface', ACTION='ifup', INTERFACE='wan')
    (folder / 'disabled').unlink()
    assert passes() == 0, looks
    hotplug('iface', ACTION='ifup', INTERFACE='wan')
    assert until(lambda: (folder / 'etc/homing/history.log').exists() and len(world.asked) == 2), looks
    lines = []
    assert until(lambda: lines.extend(read_log()) or len(lines) >= 2), lines
    assert [re.fullmatch(r'<29>\w{3} [ \d]\d \d\d:\d\d:\d\d homing\[\d+\]: ([ab])\.example\.com: ipv4 is now 198.41.0.4', line)[1]
            for line in lines] == ['a', 'b'], lines
    # The clock gets set: ntpd speaks of its stratum again and again, the first time counts; a step always.
    flash = snapshot(folder / 'etc')
    before = passes()
    for action, expected in (('stratum', 1), ('stratum', 1), ('periodic', 1), ('step', 2)):
        hotplug('ntp', ACTION=action)
        assert until(lambda: passes() >= before + expected) and passes() == before + expected, (action, looks)
    until(lambda: not subprocess.run(['fuser', '-s', folder / 'usr/bin/homing'], stderr=subprocess.DEVNULL).returncode == 0)
    assert snapshot(folder / 'etc') == flash, 'a quiet pass wrote to flash'
    assert len(world.asked) == 2 and not read_log()

    # Whoever asks homing something asks with the settings that run here.
    told = inside('homing', '--status') + inside('homing', '--check')
    assert re.search(r'^last pass:    20', told, re.M) and '1 section(s), 2 host(s)' in told, told

    # README's commands.
    inside('logger', '-t', 'homing', 'a.example.com: ipv4 is now')
    (folder / 'log').write_text(''.join(line + '\n' for line in read_log()))
    (folder / 'usr/bin/logread').write_text('#!/bin/sh\ngrep -e "$2" /log\n')
    (folder / 'usr/bin/logread').chmod(0o755)
    for command in commands:
        told = inside(command.replace('logread', '/usr/bin/logread'))
    assert 'homing' in told
    assert '--every 10m' in (folder / 'procd.log').read_text(), (folder / 'procd.log').read_text()

    # A mistake is told with the line of UCI's file, and what runs goes on with the old settings.
    (folder / 'etc/config/homing').write_text(config.replace("option provider 'dyndns2'", "option provider 'dindns2'"))
    told = run('chroot', folder, '/etc/init.d/homing', 'reload', code=None)
    lines = read_log()
    assert any('/etc/config/homing:' in line and "did you mean 'dyndns2'?" in line for line in lines), (lines, told)
    assert (folder / 'procd.log').read_text() == '', (folder / 'procd.log').read_text()
    # Switched off, nothing is started, and procd stops what ran.
    (folder / 'etc/config/homing').write_text(config.replace("option enabled '1'", "option enabled '0'"))
    inside('/etc/init.d/homing', 'reload')
    procd = (folder / 'procd.log').read_text()
    assert 'open_service' in procd and 'open_instance' not in procd, procd
    (folder / 'etc/config/homing').write_text(config)
    inside('/etc/init.d/homing', 'reload')
    jail(folder, world, emulator)
    inside.read_log = read_log
    return inside


def drop_in(folder, world, package, inside):
    """LuCI's page: /etc/config/ddns as it is, its buttons, the files that it reads."""
    (folder / 'etc/config/ddns').write_text(f"""config ddns 'global'
	option ddns_dateformat '%F %R'

config service 'myddns'
	option enabled '1'
	option lookup_host 'luci.example.com'
	option domain 'luci.example.com'
	option update_url '{world.url}/luci?host=[DOMAIN]&ip=[IP]&key=[PASSWORD]'
	option password 'k3y'
	option ip_source 'web'
	option ip_url '{world.url}/ip'
	option interface 'wan'
	option bind_network 'wan'
	option check_interval '20'
""")
    inside(package.scripts['installed'])
    procd = (folder / 'procd.log').read_text()
    settings = (folder / 'var/run/homing/homing.conf').read_text()
    assert '# device of wan: myddns.bind' in settings and '\nbind = lo\n' in settings, settings
    assert os.readlink(folder / 'var/run/ddns/myddns.pid') == '/var/run/homing/pid'
    assert 'add_jail_mount_rw /var/run/ddns' in procd and 'add_jail_mount_rw /var/log/ddns' in procd, procd
    asked = len(world.asked)
    # Its buttons "Reload" call the helper; the passes of the process that stays are made here by hand.
    inside('/usr/lib/ddns/dynamic_dns_lucihelper.sh', '-S', 'myddns', '--', 'start')
    assert [target for _, target, _, _ in world.asked[asked:]] == [f'/luci?host=luci.example.com&ip={ADDRESS}&key=k3y'], world.asked
    assert inside('/usr/lib/ddns/dynamic_dns_lucihelper.sh', '-l', 'luci.example.com', '-S', 'myddns', '--', 'get_registered_ip') == f'{ADDRESS}\n'
    assert inside('/usr/lib/ddns/dynamic_dns_lucihelper.sh', '-V').split()[1] == VERSION
    for options in ('-h', '-d x -v 1 -L -S myddns -- verify_dns'):
        assert 'llegal' not in inside('/usr/lib/ddns/dynamic_dns_lucihelper.sh', options), options
    assert 'luci.example.com: ipv4 is now' in (folder / 'var/log/ddns/myddns.log').read_text()
    inside('timeout', '5', 'homing', '--every', '1h', '|| true')
    for kind in ('pid', 'nextcheck', 'update', 'ip'):
        assert (folder / f'var/run/ddns/myddns.{kind}').exists(), kind
    # Another device stands behind the network: a fresh start; the same: a pass.
    (folder / 'devices').write_text('wan lo2\n')
    (folder / 'procd.log').write_text('')
    inside('/etc/init.d/homing', 'once')
    assert 'open_instance' in (folder / 'procd.log').read_text() and '\nbind = lo2\n' in (folder / 'var/run/homing/homing.conf').read_text()
    (folder / 'devices').write_text('wan lo\n')
    inside('/etc/init.d/homing', 'once')
    (folder / 'procd.log').write_text('')
    inside('/etc/init.d/homing', 'once')
    assert (folder / 'procd.log').read_text() == ''
    # If a section is left out, `homing --uci` exits with 1. That is logged as an error, and the other sections are used.
    file = folder / 'etc/config/ddns'
    kept = file.read_text()
    file.write_text(kept + """config service 'other'
	option enabled '1'
	option lookup_host 'other.example.com'
	option service_name 'one.com'
""")
    (folder / 'usr/bin/homing-1').write_text('#!/bin/sh\nhoming "$@" || exit\n[ "$1" != --uci ] || exit 1\n')
    (folder / 'usr/bin/homing-1').chmod(0o755)
    inside.read_log()
    inside('/etc/init.d/homing', 'reload', PROG='/usr/bin/homing-1')
    assert '[myddns]' in (folder / 'var/run/homing/homing.conf').read_text()
    logged = inside.read_log()
    assert any(line.startswith('<27>') and 'one.com' in line for line in logged), logged
    file.write_text(kept)
    # Switched off on the page, it runs no longer.
    file.write_text(file.read_text().replace("option enabled '1'", "option enabled '0'"))
    inside('/etc/init.d/homing', 'reload')
    assert not os.path.lexists(folder / 'var/run/ddns/myddns.pid')
    # An upgrade changes nothing of what was chosen: it is kept up, or is not.
    chosen = lambda: "option ddns '/etc/config/ddns'" in re.sub('^\\s*#.*', '', (folder / 'etc/config/homing').read_text(), flags=re.M)
    for command, expected in (('start', True), ('stop', False)):
        inside('/etc/init.d/ddns', command)
        assert chosen() == expected
        upgrade(package, inside)
        assert chosen() == expected, f'after {command} an upgrade'
    assert 'myddns' not in (folder / 'var/run/homing/homing.conf').read_text()


def readmes(kind):
    """README's commands with that kind of package. What its package manager does is done by the tests."""
    install, *commands = readme('OpenWrt' if kind == 'ipk' else 'OpenWrt with apk')
    how = {'ipk': 'opkg install', 'apk': 'apk add --allow-untrusted'}[kind]
    assert re.fullmatch(rf'{how} \./homing_{re.escape(VERSION)}-r1_aarch64_cortex-a53\.{kind}', install), install
    return commands


class Installed:
    """A package that was installed below a folder: the fields that tell of it, its files as `feed` gives them, and where below
    the folder the scripts are that its package manager runs when it is `installed`, `upgraded` (if it has one) or `removed`."""

    def __init__(self, fields, files, scripts):
        self.fields, self.files, self.scripts = fields, files, scripts


def upgrade(package, inside):
    """As apk, which has a script for that, or as opkg, which runs the others."""
    if 'upgraded' in package.scripts:
        inside(package.scripts['upgraded'])
    else:
        inside(package.scripts['removed'], PKG_UPGRADE='1')
        inside(package.scripts['installed'], PKG_UPGRADE='1')


def removed(folder, package, inside):
    """An upgrade leaves what was switched off so; before a removal homing is stopped, and enabled no more."""
    (folder / 'disabled').write_text('')
    (folder / 'procd.log').write_text('')
    upgrade(package, inside)
    assert 'open_instance' in (folder / 'procd.log').read_text() and (folder / 'disabled').exists()
    (folder / 'disabled').unlink()
    inside(package.scripts['removed'])
    assert (folder / 'procd.log').read_text().endswith('stop\n') and (folder / 'disabled').exists()


def tried(kind, install, besides=lambda *_: None):
    """Each package of that kind, installed by `install`, and used; `besides` is for one of them, and a root of its own."""
    scratch_ = scratch()
    try:
        need(busybox_static='busybox', qemu_user_static='qemu-arm-static', make='make')
        for file in sorted(PACKAGES.glob(f'homing_*.{kind}')):
            architecture = file.name.split('-r1_')[1].removesuffix(f'.{kind}')
            if sys.argv[1:] and architecture not in sys.argv[1:]:
                continue
            place = scratch_ / architecture
            place.mkdir()
            folder = router(place)
            package = install(file, folder)
            assert (package.fields['Architecture'], package.fields['Depends']) == (architecture, 'ca-bundle'), package.fields
            # The stand-in for a cross build is linked with libraries.
            assert not libraries(folder / 'usr/bin/homing') or os.environ.get('HOMING_STAND_IN')
            assert package.files == feed(place, 'homing'), f'{package.files}\nis not\n{feed(place, "homing")}'
            (folder / 'proc/uptime').write_text('5000.00 1000.00\n')
            world = World()
            inside = play(folder, world, EMULATORS[architecture], package, readmes(kind))
            if architecture == 'x86_64':
                (place / 'apart').mkdir()
                apart = router(place / 'apart')
                bring_libraries(apart, folder / 'usr/bin/homing')
                besides(apart, file, package)
                page = install(PACKAGES / f'homing-ddns_{VERSION}-r1_all.{kind}', folder)
                assert (page.fields['Architecture'], page.fields['Provides']) == ('all', 'ddns-scripts'), page.fields
                # opkg removes ddns-scripts only for a package that replaces it, and nothing else would keep the definitions of
                # its services installed.
                assert page.fields['Replaces'] == 'ddns-scripts', page.fields
                assert page.fields['Depends'].split(', ') == ['homing', 'ddns-scripts-services'], page.fields
                assert page.files == feed(place, 'homing-ddns'), page.files
                drop_in(folder, world, page, inside)
                said("LuCI's page: its buttons, its files, /etc/config/ddns as it is")
            removed(folder, package, inside)
            said(f'{architecture}: installed, started, hotplugged, quiet on flash, at home in its jail, removed'
                 + (f' ({EMULATORS[architecture]})' * bool(EMULATORS[architecture])))
    finally:
        shutil.rmtree(scratch_, ignore_errors=True)
