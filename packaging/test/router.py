"""The tests of the OpenWrt packages that do not depend on the package manager. The scripts run under busybox ash in a root with
stand-ins for rc.common, procd and netifd, which record their arguments (test/openwrt): the scripts of the packages, start,
reload, hotplug, and homing-ddns for LuCI. The feed's Makefile must install the same files."""
import os, re, shutil, socket, struct, subprocess, sys, time

from fixtures import *

EMULATORS = {'arm_arm1176jzf-s_vfp': 'qemu-arm-static -cpu arm1176', 'arm_cortex-a7_neon-vfpv4': 'qemu-arm-static -cpu cortex-a7',
             'aarch64_cortex-a53': 'qemu-aarch64-static -cpu cortex-a53', 'mipsel_24kc': 'qemu-mipsel-static -cpu 24Kc',
             'mips_24kc': 'qemu-mips-static -cpu 24Kc', 'x86_64': ''}
FILES = HOME / 'packaging/openwrt/files'
STUBS = HERE / 'openwrt'


def feed(scratch, package):
    """The files that the feed's Makefile installs, read by make with minimal stand-ins for OpenWrt's rules."""
    top = scratch / f'openwrt-{package}'
    (top / 'feeds/packages/lang/rust').mkdir(parents=True)
    (top / 'bin').mkdir()
    (top / 'bin/homing').write_text('')
    (top / 'rules.mk').write_text('INCLUDE_DIR := $(TOPDIR)\nINSTALL_DIR := install -d -m755\nINSTALL_BIN := install -m755\n'
                                  'INSTALL_CONF := install -m600\nINSTALL_DATA := install -m644\nLN := ln -sf\nPKG_INSTALL_DIR := $(TOPDIR)\n')
    # Conffiles that are folders are listed in keep.d, which sysupgrade reads (openwrt:include/package-pack.mk).
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


def copy_libraries(folder, program):
    """Copies the libraries of a dynamically linked program to a root."""
    linked = subprocess.run(['ldd', program], capture_output=True, text=True).stdout
    for library in re.findall(r'(/lib\S+)', linked):
        (folder / library[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, folder / library[1:])


def router(scratch):
    """Builds a root with busybox and the stand-ins."""
    folder = scratch / 'router'
    for name in ('bin', 'dev', 'etc/config', 'lib/functions', 'tmp', 'var/run', 'var/log', 'proc', 'usr/bin', 'sbin'):
        (folder / name).mkdir(parents=True)
    shutil.copy(shutil.which('busybox'), folder / 'bin/busybox')
    copy_libraries(folder, folder / 'bin/busybox')
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
    """Listens at the root's /dev/log. Returns a function that returns the messages since its last call."""
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
    """Waits until a condition holds, at most 30 seconds. Returns whether it does."""
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


def jail(folder, server, emulator):
    """Runs the process that procd would start, with only the mounts of its jail (bwrap): as root without capabilities and new
    privileges, as the first process of its own namespace. ujail skips mounts of paths that do not exist."""
    need(bubblewrap='bwrap')
    for file in (folder / 'etc/homing').iterdir():
        file.unlink()
    procd = [line.split(' ') for line in (folder / 'procd.log').read_text().splitlines()]
    command, mounts = [], []
    for call in procd:
        if call[:2] in (['set_param', 'command'], ['append_param', 'command']):
            command += call[2:]
        if call[0] == 'open_instance':
            command, mounts = [], []
        if call[0] in ('add_jail_mount', 'add_jail_mount_rw'):
            option = '--bind' if call[0].endswith('rw') else '--ro-bind'
            mounts += [argument for path in call[1:] if (folder / path[1:]).exists()
                       for argument in (option, f'{folder}{path}', path)]
    if emulator:
        command = ['/usr/bin/emulator', *emulator.split()[1:], '/usr/bin/homing.board', *command[1:]]
    if os.environ.get('HOMING_STAND_IN'):
        mounts += ['--ro-bind', f'{folder}/lib', '/lib', '--ro-bind', f'{folder}/lib64', '/lib64']
    before = len(server.requests)
    programs = [argument for name in ('homing', 'homing.board', 'emulator') if (folder / 'usr/bin' / name).exists()
                for argument in ('--ro-bind', f'{folder}/usr/bin/{name}', f'/usr/bin/{name}')]
    output = run('timeout', '--signal=KILL', '5', 'bwrap', '--die-with-parent', '--unshare-pid', '--unshare-ipc', '--as-pid-1', '--cap-drop', 'ALL',
               '--dev', '/dev', '--proc', '/proc', '--bind', folder / 'dev/log', '/dev/log',
               *programs, *mounts, *command, code=-9, env={})
    assert output == '' and len(server.requests) == before + 2, (output, server.requests[before:])
    assert {file.name for file in (folder / 'etc/homing').iterdir()} == {'state.json', 'history.log'}


def play(folder, server, emulator, package, commands):
    """Runs the scripts as the package manager, netifd, ntpd and procd do, and the commands of README."""
    read_log = log_of(folder)
    paths = []
    inner = server.http.RequestHandlerClass.do_GET

    def counted(handler):
        paths.append(handler.path)
        inner(handler)
    server.http.RequestHandlerClass.do_GET = counted
    passes = lambda: paths.count('/ip')

    def inside(*command, **variables):
        return run('chroot', folder, '/bin/sh', '-c', ' '.join(command), env={'PATH': '/bin:/usr/bin:/sbin', **variables})

    if not emulator:
        copy_libraries(folder, folder / 'usr/bin/homing')
    if emulator:
        # Replaces homing by a script that starts the emulator with it.
        words = emulator.split()
        shutil.copy(shutil.which(words[0]), folder / 'usr/bin/emulator')
        os.rename(folder / 'usr/bin/homing', folder / 'usr/bin/homing.board')
        (folder / 'usr/bin/homing').write_text(f'#!/bin/sh\nexec /usr/bin/emulator {" ".join(words[1:])} /usr/bin/homing.board "$@"\n')
        (folder / 'usr/bin/homing').chmod(0o755)
    assert inside('homing', '--version') == f'homing {VERSION}\n'
    # The configuration as installed is valid, and has no section.
    output = inside('homing', '--uci', '/etc/config/homing')
    assert 'ipv4 = ipify, opendns' in output and 'log = syslog' in output and '[' not in output.replace('homing --uci', ''), output

    # The package's script enables and starts the service.
    (folder / 'disabled').write_text('')
    inside(package.scripts['installed'])
    assert 'open_instance' in (folder / 'procd.log').read_text() and not (folder / 'disabled').exists()
    (folder / 'procd.log').unlink()

    config = (folder / 'etc/config/homing').read_text()
    config = config.replace("\tlist ipv4 'ipify'\n\tlist ipv4 'opendns'\n", "\tlist ipv4 'web'\n")
    config += (f"\nconfig detector 'web'\n\toption kind 'web'\n\toption url '{server.url}/ip'\n"
               f"config section 'home'\n\toption provider 'dyndns2'\n\toption url '{server.url}/nic/update'\n"
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
    assert passes() == 0, paths
    hotplug('iface', ACTION='ifup', INTERFACE='wan')
    assert until(lambda: (folder / 'etc/homing/history.log').exists() and len(server.requests) == 2), paths
    lines = []
    assert until(lambda: lines.extend(read_log()) or len(lines) >= 2), lines
    assert [re.fullmatch(r'<29>\w{3} [ \d]\d \d\d:\d\d:\d\d homing\[\d+\]: ([ab])\.example\.com: ipv4 is now 198.41.0.4', line)[1]
            for line in lines] == ['a', 'b'], lines
    # ntpd sets the clock: a pass for each step, and for the first report of the stratum only.
    flash = snapshot(folder / 'etc')
    before = passes()
    for action, expected in (('stratum', 1), ('stratum', 1), ('periodic', 1), ('step', 2)):
        hotplug('ntp', ACTION=action)
        assert until(lambda: passes() >= before + expected) and passes() == before + expected, (action, paths)
    until(lambda: not subprocess.run(['fuser', '-s', folder / 'usr/bin/homing'], stderr=subprocess.DEVNULL).returncode == 0)
    assert snapshot(folder / 'etc') == flash, 'a quiet pass wrote to flash'
    assert len(server.requests) == 2 and not read_log()

    # homing's other commands use the running configuration.
    output = inside('homing', '--status') + inside('homing', '--check')
    assert re.search(r'^last pass:    20', output, re.M) and '1 section, 2 hosts' in output, output

    # README's commands.
    inside('logger', '-t', 'homing', 'a.example.com: ipv4 is now')
    (folder / 'log').write_text(''.join(line + '\n' for line in read_log()))
    (folder / 'usr/bin/logread').write_text('#!/bin/sh\ngrep -e "$2" /log\n')
    (folder / 'usr/bin/logread').chmod(0o755)
    for command in commands:
        output = inside(command.replace('logread', '/usr/bin/logread'))
    assert 'homing' in output
    assert '--every 10m' in (folder / 'procd.log').read_text(), (folder / 'procd.log').read_text()

    # A mistake is logged with the line of the UCI file, and the running process continues.
    (folder / 'etc/config/homing').write_text(config.replace("option provider 'dyndns2'", "option provider 'dindns2'"))
    output = run('chroot', folder, '/etc/init.d/homing', 'reload', code=None)
    lines = read_log()
    assert any('/etc/config/homing:' in line and "did you mean 'dyndns2'?" in line for line in lines), (lines, output)
    assert (folder / 'procd.log').read_text() == '', (folder / 'procd.log').read_text()
    # If the service is switched off, nothing is started, and procd stops the process.
    (folder / 'etc/config/homing').write_text(config.replace("option enabled '1'", "option enabled '0'"))
    inside('/etc/init.d/homing', 'reload')
    procd = (folder / 'procd.log').read_text()
    assert 'open_service' in procd and 'open_instance' not in procd, procd
    (folder / 'etc/config/homing').write_text(config)
    inside('/etc/init.d/homing', 'reload')
    jail(folder, server, emulator)
    inside.read_log = read_log
    return inside


def drop_in(folder, server, package, inside):
    """Tests homing-ddns: an unchanged /etc/config/ddns, the buttons of LuCI's page, and the files that it reads."""
    (folder / 'etc/config/ddns').write_text(f"""config ddns 'global'
	option ddns_dateformat '%F %R'

config service 'myddns'
	option enabled '1'
	option lookup_host 'luci.example.com'
	option domain 'luci.example.com'
	option update_url '{server.url}/luci?host=[DOMAIN]&ip=[IP]&key=[PASSWORD]'
	option password 'k3y'
	option ip_source 'web'
	option ip_url '{server.url}/ip'
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
    before = len(server.requests)
    # The buttons "Reload" call the helper. procd is a stand-in, so no process makes passes here.
    inside('/usr/lib/ddns/dynamic_dns_lucihelper.sh', '-S', 'myddns', '--', 'start')
    assert [target for _, target, _, _ in server.requests[before:]] == [f'/luci?host=luci.example.com&ip={ADDRESS}&key=k3y'], server.requests
    assert inside('/usr/lib/ddns/dynamic_dns_lucihelper.sh', '-l', 'luci.example.com', '-S', 'myddns', '--', 'get_registered_ip') == f'{ADDRESS}\n'
    assert inside('/usr/lib/ddns/dynamic_dns_lucihelper.sh', '-V').split()[1] == VERSION
    for options in ('-h', '-d x -v 1 -L -S myddns -- verify_dns'):
        assert 'llegal' not in inside('/usr/lib/ddns/dynamic_dns_lucihelper.sh', options), options
    assert 'luci.example.com: ipv4 is now' in (folder / 'var/log/ddns/myddns.log').read_text()
    # Scripts call the updater of ddns-scripts.
    updater, before = '/usr/lib/ddns/dynamic_dns_updater.sh', server.detections
    inside(updater, '-S', 'myddns', '-v', '0', '--', 'start')
    assert server.detections > before
    output = run('chroot', folder, '/bin/sh', '-c', f'{updater} -S myddns -- stop', env={'PATH': '/bin:/usr/bin:/sbin'}, code=1)
    assert 'option enabled' in output, output
    assert inside('cat', '/usr/share/ddns/version') == f'homing {VERSION}\n'
    inside('timeout', '5', 'homing', '--every', '1h', '|| true')
    for kind in ('pid', 'nextcheck', 'update', 'ip'):
        assert (folder / f'var/run/ddns/myddns.{kind}').exists(), kind
    # If the network has another device, the process is restarted; otherwise `once` makes a pass.
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
    # Switched off on the page, the section has no process.
    file.write_text(file.read_text().replace("option enabled '1'", "option enabled '0'"))
    inside('/etc/init.d/homing', 'reload')
    assert not os.path.lexists(folder / 'var/run/ddns/myddns.pid')
    # An upgrade of the package does not change whether the sections are updated.
    chosen = lambda: "option ddns '/etc/config/ddns'" in re.sub('^\\s*#.*', '', (folder / 'etc/config/homing').read_text(), flags=re.M)
    for command, expected in (('start', True), ('stop', False)):
        inside('/etc/init.d/ddns', command)
        assert chosen() == expected
        upgrade(package, inside)
        assert chosen() == expected, f'after {command} an upgrade'
    assert 'myddns' not in (folder / 'var/run/homing/homing.conf').read_text()


def readmes(kind):
    """README's commands for this kind of package, without the installation, which the tests do themselves."""
    install, *commands = readme('OpenWrt' if kind == 'ipk' else 'OpenWrt with apk')
    how = {'ipk': 'opkg install', 'apk': 'apk add --allow-untrusted'}[kind]
    assert re.fullmatch(rf'{how} \./homing_{re.escape(VERSION)}-r1_aarch64_cortex-a53\.{kind}', install), install
    return commands


class Installed:
    """An installed package: the fields of its metadata, its files as `feed` returns them, and the paths in the root of the scripts
    that the package manager runs when it is `installed`, `upgraded` (if it has one) or `removed`."""

    def __init__(self, fields, files, scripts):
        self.fields, self.files, self.scripts = fields, files, scripts


def upgrade(package, inside):
    """Upgrades as apk, which has a script for that, or as opkg, which runs the other two scripts."""
    if 'upgraded' in package.scripts:
        inside(package.scripts['upgraded'])
    else:
        inside(package.scripts['removed'], PKG_UPGRADE='1')
        inside(package.scripts['installed'], PKG_UPGRADE='1')


def removed(folder, package, inside):
    """Checks that an upgrade keeps a disabled service disabled, and that a removal stops and disables it."""
    (folder / 'disabled').write_text('')
    (folder / 'procd.log').write_text('')
    upgrade(package, inside)
    assert 'open_instance' in (folder / 'procd.log').read_text() and (folder / 'disabled').exists()
    (folder / 'disabled').unlink()
    inside(package.scripts['removed'])
    assert (folder / 'procd.log').read_text().endswith('stop\n') and (folder / 'disabled').exists()


def test_packages(kind, install, extra=lambda *_: None):
    """Installs each package of this kind with `install` and runs it. `extra` is another test for one of them, in its own root."""
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
            assert package.files == feed(place, 'homing'), f'{package.files}\ndiffers from\n{feed(place, "homing")}'
            (folder / 'proc/uptime').write_text('5000.00 1000.00\n')
            server = Server()
            inside = play(folder, server, EMULATORS[architecture], package, readmes(kind))
            if architecture == 'x86_64':
                (place / 'extra').mkdir()
                extra_root = router(place / 'extra')
                copy_libraries(extra_root, folder / 'usr/bin/homing')
                extra(extra_root, file, package)
                page = install(PACKAGES / f'homing-ddns_{VERSION}-r1_all.{kind}', folder)
                assert (page.fields['Architecture'], page.fields['Provides']) == ('all', 'ddns-scripts'), page.fields
                # opkg removes ddns-scripts only for a package that replaces it, and nothing else would keep the definitions of
                # its services installed.
                assert page.fields['Replaces'] == 'ddns-scripts', page.fields
                assert page.fields['Depends'].split(', ') == ['homing', 'ddns-scripts-services'], page.fields
                assert page.files == feed(place, 'homing-ddns'), page.files
                drop_in(folder, server, page, inside)
                report("homing-ddns: the buttons and files of LuCI's page work with an unchanged /etc/config/ddns")
            removed(folder, package, inside)
            report(f'{architecture}: installed, started, used in its jail, removed; a quiet pass writes nothing to flash'
                 + (f' ({EMULATORS[architecture]})' * bool(EMULATORS[architecture])))
    finally:
        shutil.rmtree(scratch_, ignore_errors=True)
