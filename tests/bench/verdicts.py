"""What must be shown, read off the rows of one run; and the counts that may not grow unseen."""
import math, pathlib

M, MIB = 1e6, 1024
told = []


def say(met, text, counts=True):
    """A verdict; one that does not count is told for the record."""
    if counts:
        told.append(met)
    print(f'{("met    " if met else "NOT MET") if counts else "also   "}  {text}')


def most(what, value, limit, unit='', digits=2, counts=True):
    say(value <= limit, f'{what}: {value:.{digits}f}{unit}, at most {limit:g}{unit}', counts)


def least(what, value, limit, counts=True):
    say(value >= limit, f'{what}: {value:.1f}, at least {limit:g}', counts)


def tell(rows, names):
    """Prints a line for each thing that must hold of each homing; those whose rows were not measured are left out."""
    for name in names:
        if name.startswith('homing'):
            print(f'\n{name}')
            of_one({case: row for (case, tool), row in rows.items() if tool == name},
                   lambda case, tool: rows.get((case, tool)), name == 'homing static')
    print(f'\n{told.count(True)} of {len(told)} met')
    return 0 if told and all(told) else 1


def of_one(own, other, static):
    for case, what in (('quiet, HTTPS', 'one certificate'), ('quiet, HTTPS with a bundle', 'bundle')):
        row, floor = own.get(case), other(case, 'floor static' if static else 'floor glibc')
        if row and floor:
            most(f'1. {case}: instructions to the floor ({what})', row['instructions'] / floor['instructions'], 1.5)
            most(f'1. {case}: memory to the floor ({what})', row['memory'] / floor['memory'], 1.25)
        for peer, limit in (('inadyn', 5), ('ddclient', 40)):
            if row and other(case, peer):
                ratio = other(case, peer)['instructions'] / row['instructions']
                # What people have is the system's bundle.
                least(f"1. {case}: {peer}'s instructions to homing's", ratio, limit, case.endswith('bundle'))
    if row := own.get('quiet, OpenDNS'):
        say((row['datagrams'], row['connections'], row['full']) == (2, 0, 0), '2. OpenDNS: a datagram each way, no TLS')
        most('2. OpenDNS: instructions', row['instructions'] / M, 1, ' M')
        # Asked of what boards run; a C library that is loaded costs more than homing itself.
        most('2. OpenDNS: system calls', row['calls'], 60, digits=0, counts=static)
        most('2. OpenDNS: memory', row['memory'] / MIB, 1.6, ' MiB', counts=static)
        most('7. OpenDNS: CPU of the whole pass, start-up to first packet included', row['cpu'] / 1e3, 2, ' ms')
        say(row['configs'] == 1, f'7. the config is opened {row["configs"]} time(s)')
    if 'parsed' in (row := own.get('quiet, HTTP', {})):
        say(row['parsed'] == 1, f'7. settings or presets are parsed {row["parsed"]} time(s) where no preset is named: the config')
    for case, row in own.items():
        if case.startswith('quiet'):
            say(row['files'] == row['fsyncs'] == 0, f'3. {case}: {row["files"]} files written, {row["fsyncs"]} fsyncs')
        elif 'cold' not in case:
            families = 2 if 'both' in case else 1
            say(row['fsyncs'] <= 4 + families, f'3. {case}: {row["fsyncs"]} fsyncs, at most 4 and {families} for history lines')
            smaller = own.get(case.replace('1000 in 10', '100 in 5').replace('1000', '100')) if '1000' in case else None
            if smaller:
                most(f'3. {case}: bytes written, to those for 100', row['bytes'] / smaller['bytes'], 10.5)
        if 'Cloudflare' in case and 'both' in case:
            hosts, zones = (int(word) for word in case.split(', ')[3].split(' in '))
            asked = row['requests'] - 2
            limit = 1 + 2 * zones if 'cold' in case else zones
            say(asked <= limit, f'4. {case}: {asked} requests, at most {limit} (and 2 for the addresses)')
        if 'dyndns2' in case:
            hosts = int(case.split()[-1])
            limit = math.ceil(hosts / 20) if 'lists' in case else hosts
            asked = row['requests'] - 1
            say(asked <= limit, f'5. {case}: {asked} requests, at most {limit}')
            if 'HTTPS' in case:
                say(row['full'] <= 1, f'5. {case}: {row["full"]} full handshakes, {row["resumed"]} resumed')
    for way in ('HTTP', 'HTTPS'):
        few, many = (own.get(f'change, {way}, dyndns2 one by one, {n}') for n in (10, 1000))
        one = own.get(f'change, {way}, dyndns2 one by one, 1')
        if few and many and one:
            cost = lambda row, n: (row['instructions'] - one['instructions']) / (n - 1)
            most(f'5. {way}, one by one: cost of a host more among 1,000 to that among 10', cost(many, 1000) / cost(few, 10), 1.1)
    for way in ('OpenDNS', 'HTTP'):
        one, many = own.get(f'quiet, {way}'), own.get(f'quiet, {way}, 1000 hosts')
        if one and many:
            most(f'6. {way}: instructions of 1,000 hosts over one', (many['instructions'] - one['instructions']) / M, 25, ' M')
            most(f'6. {way}: memory with 1,000 hosts', many['memory'] / MIB, 4, ' MiB')


def counts(bench):
    """Instructions of quiet passes to those of the floor in Rust, built by the same compiler in the same way, against `counts`."""
    from tools import Case, here
    written = dict(line.split(' ', 1)[::-1] for line in (here / 'counts').read_text().splitlines() if not line.startswith('#'))
    bad = 0
    for way, floor in (('dns', 'http'), ('http', 'http'), ('https', 'https')):
        row = bench.measure('homing glibc', Case(f'quiet, {way}', way), quick=True)
        least = bench.measure('floor glibc', Case(f'quiet, {floor}', floor), quick=True)
        if not row or not least:
            return 1
        ratio, limit = row['instructions'] / least['instructions'], float(written[way]) * 1.05
        print(f'{way}: {row["instructions"]:,} instructions, {ratio:.3f} floors; written down: {written[way]}')
        if ratio > limit:
            bad = 1
            print(f'  that is more than 5 % over it. If it is worth it, write the new number into {pathlib.Path(here.name) / "counts"}')
    return bad
