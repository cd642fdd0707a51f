"""The world on loopback: one page that tells our address (as ipify does), a dyndns2 service, Cloudflare's API, over HTTP and
HTTPS, and a name server that tells our address (as OpenDNS's do). It counts what goes over the wire and holds the records that
were published, so that the bench can say whether they are right."""
import base64, json, pathlib, socket, ssl, subprocess, threading, urllib.parse

OLD, NEW = ('198.41.0.4', '2001:500:9::1'), ('193.0.14.129', '2620:fe::fe')
USER, PASSWORD, TOKEN = 'alice', 'correct-horse', 'cf-0123456789'
BASIC = 'Basic ' + base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()
COUNTED = ('requests', 'connections', 'full', 'resumed', 'sent', 'received', 'datagrams', 'refused')


def certificates(folder):
    """Private authorities with certificates for localhost, and a bundle as long as a distribution's that ends with them: one on
    P-256; one on P-384, whose signatures cost five times as much to verify; and one on P-384 with an intermediate authority on
    P-384, as Let's Encrypt's ECDSA chains are. All keys of the server are on P-256."""
    openssl = lambda *words: subprocess.run(['openssl', *words], cwd=folder, check=True, capture_output=True)
    names = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1'

    def make(name, subject, curve, issuer, *extensions):
        signed = ['-CA', f'{issuer}.pem', '-CAkey', f'{issuer}.key'] if issuer else []
        added = [word for extension in extensions for word in ('-addext', extension)]
        openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', f'ec_paramgen_curve:{curve}', '-nodes', '-days', '2', '-keyout',
                f'{name}.key', '-out', f'{name}.pem', '-subj', f'/CN={subject}', *signed, *added)

    leaf = (names, 'basicConstraints=critical,CA:FALSE')
    make('ca', 'bench', 'P-256', None)
    make('cert', 'localhost', 'P-256', 'ca', *leaf)
    make('ca384', 'bench P-384', 'P-384', None)
    make('cert384', 'localhost', 'P-256', 'ca384', *leaf)
    make('between', 'bench intermediate', 'P-384', 'ca384', 'basicConstraints=critical,CA:TRUE')
    make('chained', 'localhost', 'P-256', 'between', *leaf)
    text = lambda name: (folder / f'{name}.pem').read_text()
    (folder / 'chain.pem').write_text(text('chained') + text('between'))
    (folder / 'chain.key').write_text((folder / 'chained.key').read_text())
    system = pathlib.Path('/etc/ssl/certs/ca-certificates.crt').read_text()
    (folder / 'bundle.pem').write_text(system + text('ca384') + text('ca'))
    return system.count('BEGIN CERTIFICATE') + 2


class World:
    def __init__(self, folder):
        self.certificates = certificates(folder)
        self.contexts = {name: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for name in ('cert', 'cert384', 'chain')}
        for name, context in self.contexts.items():
            context.load_cert_chain(folder / f'{name}.pem', folder / f'{name}.key')
        self.lock = threading.Lock()
        self.address, self.records, self.zones = OLD, {}, []
        self.reset()
        self.http = self.listen(None)
        self.https, self.p384, self.chain = (self.listen(context) for context in self.contexts.values())
        self.dns = self.answer_names()

    def reset(self):
        self.counts = dict.fromkeys(COUNTED, 0)

    def count(self, **more):
        with self.lock:
            for key, n in more.items():
                self.counts[key] += n

    def listen(self, context):
        """On one port, in both families: localhost may be either."""
        for _ in range(20):
            four = socket.create_server(('127.0.0.1', 0), backlog=128)
            try:
                six = socket.create_server(('::1', four.getsockname()[1]), family=socket.AF_INET6, backlog=128)
            except OSError:
                four.close()
                continue
            for listener in (four, six):
                threading.Thread(target=self.accept, args=(listener, context), daemon=True).start()
            return four.getsockname()[1]
        raise SystemExit('no port that is free in both families (is ::1 there?)')

    def accept(self, listener, context):
        while True:
            wire = Wire(listener.accept()[0], self)
            threading.Thread(target=self.serve, args=(wire, context), daemon=True).start()

    def serve(self, wire, context):
        self.count(connections=1)
        try:
            stream = Secured(wire, context) if context else wire
            while (request := read_request(stream)) is not None:
                self.count(requests=1)
                status, body = self.reply(*request)
                last = request[2].get('connection', '').lower() == 'close'
                head = f'HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n'
                stream.write((head + ('Connection: close\r\n' if last else '') + '\r\n').encode() + body)
                if last:
                    break
            stream.close()
        except (OSError, LookupError, ValueError, StopIteration) as error:
            # Whoever asks for what is not there has not done what it should.
            self.count(refused=not isinstance(error, OSError))
        finally:
            wire.socket.close()

    def reply(self, method, target, headers, body):
        url = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == '/ip':
            return '200 OK', self.address[0].encode()
        if url.path == '/ip6':
            return '200 OK', self.address[1].encode()
        if url.path == '/nic/update' and headers.get('authorization') == BASIC:
            return '200 OK', self.update(query).encode()
        if url.path.startswith('/client/v4/zones') and headers.get('authorization') == f'Bearer {TOKEN}':
            found = self.cloudflare(method, url.path.rstrip('/').split('/')[4:], query, json.loads(body or b'null'))
            return '200 OK', json.dumps({'success': True, 'errors': [], 'messages': [], **found}).encode()
        self.count(refused=1)
        return '401 Unauthorized', b'badauth'

    def update(self, query):
        words = []
        for host in query['hostname'].split(','):
            address = query['myip']
            key = (host, 'AAAA' if ':' in address else 'A')
            words.append(f'{"nochg" if self.records.get(key) == address else "good"} {address}')
            self.records[key] = address
        return '\n'.join(words)

    def cloudflare(self, method, path, query, body):
        """zones, zones/ID/dns_records, …/batch, …/ID. An id is a name, so that nothing has to be looked up."""
        page, size = int(query.get('page', 1)), int(query.get('per_page', 20))

        def listing(rows):
            part = rows[(page - 1) * size:page * size]
            info = {'page': page, 'per_page': size, 'count': len(part), 'total_count': len(rows),
                    'total_pages': -(-len(rows) // size)}
            return {'result': part, 'result_info': info}
        if not path:
            return listing([{'id': self.id(zone), 'name': zone, 'status': 'active'} for zone in self.zones
                            if query.get('name', zone) == zone])
        zone = next(zone for zone in self.zones if self.id(zone) == path[0])
        own = [key for key in self.records if key[0].endswith('.' + zone)]
        if path[2:] == ['batch']:
            return {'result': {'patches': [self.write(own, change['id'], change) for change in body.get('patches', [])],
                               'posts': [], 'puts': [], 'deletes': []}}
        if path[2:]:
            return {'result': self.write(own, path[2], body)}
        name = query.get('name.exact', query.get('name'))
        return listing([self.record(key) for key in own if name in (None, key[0]) and query.get('type', key[1]) == key[1]])

    def write(self, own, wanted, change):
        if not hasattr(self, 'known') or self.known[0] != (own[0], len(own)):
            self.known = ((own[0], len(own)), {self.id(':'.join(key)): key for key in own})
        key = self.known[1][wanted]
        self.records[key] = change['content']
        return self.record(key)

    def record(self, key):
        return {'id': self.id(':'.join(key)), 'name': key[0], 'type': key[1], 'content': self.records[key], 'ttl': 1,
                'proxied': False, 'proxiable': True, 'comment': None, 'tags': [], 'created_on': '2024-01-01T00:00:00.000000Z',
                'modified_on': '2024-01-01T00:00:00.000000Z', 'meta': {}, 'settings': {}}

    @staticmethod
    def id(name):
        """32 hexadecimal digits, as Cloudflare's."""
        import hashlib
        return hashlib.md5(name.encode()).hexdigest()

    def answer_names(self):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(('127.0.0.1', 0))

        def answer():
            while True:
                asked, peer = udp.recvfrom(600)
                end = asked.index(b'\0', 12) + 5
                said = (asked[:2] + b'\x84\x80\0\1\0\1\0\0\0\0' + asked[12:end] + b'\xc0\x0c\0\1\0\1\0\0\0\0\0\4'
                        + socket.inet_aton(self.address[0]))
                udp.sendto(said, peer)
                self.count(datagrams=2, received=len(asked), sent=len(said))
        threading.Thread(target=answer, daemon=True).start()
        return udp.getsockname()[1]


class Wire:
    """A connection that counts its bytes."""
    def __init__(self, connection, world):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(60)
        self.socket, self.world = connection, world

    def read(self):
        data = self.socket.recv(65536)
        self.world.count(received=len(data))
        return data

    def write(self, data):
        self.world.count(sent=len(data))
        self.socket.sendall(data)

    def close(self):
        self.socket.shutdown(socket.SHUT_WR)


class Secured:
    """TLS over a wire that counts."""
    def __init__(self, wire, context):
        self.wire, self.come, self.go = wire, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.come, self.go, server_side=True)
        self.turn(self.tls.do_handshake)
        wire.world.count(**{'resumed' if self.tls.session_reused else 'full': 1})

    def turn(self, act, *what):
        while True:
            try:
                result = act(*what)
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
                data = self.wire.read()
                self.come.write(data) if data else self.come.write_eof()

    def flush(self):
        if self.go.pending:
            self.wire.write(self.go.read())

    def read(self):
        try:
            return self.turn(self.tls.read, 65536)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return b''

    def write(self, data):
        self.turn(self.tls.write, data)

    def close(self):
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass
        self.flush()
        self.wire.close()


def read_request(stream):
    data = b''
    while b'\r\n\r\n' not in data:
        if not (more := stream.read()):
            return None
        data += more
    head, _, body = data.partition(b'\r\n\r\n')
    first, *lines = head.decode('latin-1').split('\r\n')
    headers = {key.lower(): value.strip() for key, _, value in (line.partition(':') for line in lines)}
    while len(body) < int(headers.get('content-length', 0)):
        body += stream.read()
    method, target, version = first.split(' ', 2)
    if version == 'HTTP/1.0':
        headers.setdefault('connection', 'close')
    return method, target, headers, body
