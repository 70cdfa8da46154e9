import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { uninterrupted } from '../conformance/torture/kill/training.ts';
import { RunStore } from '../sdk/checkpoint/index.ts';
import { memoryStore } from './memory.ts';
import { type S3StoreOptions, s3Store } from './s3.ts';
import { signer } from './s3-sign.ts';
import { parseXml } from './s3-xml.ts';
import { storeSuite } from './suite.ts';
import { ask, inPage, listen, type Server } from './testing/browsers.ts';
import { largeSuite } from './testing/large-suite.ts';
import { type FakeOptions, s3Handler, startMoto } from './testing/s3.ts';
import type { Fault } from './testing/store-kinds.ts';
import type { Seen } from './testing/store-server.ts';

const MIB = 2 ** 20;
const bytes = (...v: number[]) => Uint8Array.from(v);
const retry = { attempts: 4, ms: 1 };
const SECRET = 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY';
const TOKEN = 'FQoGZXIvYXdzEBYaDF4f-IEjaG7Y1ECG';
const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: SECRET };

const servers: Server[] = [];
after(() => Promise.all(servers.map((s) => s[Symbol.asyncDispose]())));

/** A store on the strict fake, and what lies behind it. */
async function made(fake: Partial<FakeOptions> = {}, o: Partial<S3StoreOptions> = {}) {
  const inner = memoryStore();
  const seen: Seen[] = [];
  const uploads = new Map();
  const server = await listen(s3Handler(inner, { credentials, ...fake }, seen, uploads));
  servers.push(server);
  const options = { bucket: 'models', endpoint: server.url, credentials, retry, ...o };
  return { store: s3Store(options), options, inner, seen, uploads, url: server.url };
}

const code =
  (want: string, about = /./) =>
  (e: unknown) => {
    assert.equal((e as { code?: string }).code, want, inspect(e));
    assert.match(`${(e as Error).message} ${(e as { hint: string }).hint}`, about);
    return true;
  };

const list = async (store: ReturnType<typeof s3Store>, prefix = '') => {
  const out: string[] = [];
  for await (const { key } of store.list(prefix)) out.push(key);
  return out;
};

interface Failure {
  readonly code: string;
  readonly text: string;
}
/** What the page of the test tells of its run. */
interface Run {
  readonly resumed: readonly [number, string];
  readonly conflict: Failure;
  readonly steps: readonly number[];
}

const moto = await startMoto();
if (typeof moto === 'string') {
  test('s3, moto', (t) => {
    assert.notEqual(process.env.CI, 'true', moto);
    t.skip(moto);
  });
} else {
  after(() => moto[Symbol.asyncDispose]());
  const { endpoint, user, role } = moto;
  let n = 0;
  const fresh = (o: Partial<S3StoreOptions>) => async () =>
    s3Store({ bucket: 'models', prefix: `a+b (c)/é~/${n++}`, endpoint, credentials: user, retry, ...o });
  storeSuite('s3, moto', fresh({}));
  largeSuite('s3, moto, large bodies', fresh({ credentials: async () => role, partSize: 5 * MIB }));

  test('s3, moto: credentials that are wrong, and a bucket that is not there, are told', async () => {
    const wrong = await fresh({ credentials: { ...user, secretAccessKey: SECRET } })();
    await assert.rejects(wrong.get('x'), code('E_PERMISSION', /signature/));
    const other = await fresh({ credentials })();
    await assert.rejects(other.put('x', bytes(1)), code('E_PERMISSION', /credentials/));
    const none = await fresh({ bucket: 'nowhere' })();
    await assert.rejects(none.put('x', bytes(1)), code('E_NOT_FOUND', /bucket/));
    await assert.rejects(list(none), code('E_NOT_FOUND'));
  });

  test('s3, moto: a run is saved, resumed and kept short; the second writer is told', async () => {
    const store = await fresh({})();
    const content = (step: number) => ({ kind: 'train', schema: {}, state: { step }, tensors: new Map() });
    const [a, b] = [new RunStore(store, { keepLast: 2 }), new RunStore(store)];
    for (const step of [1, 2, 3]) await a.save(content(step), { step, epoch: 0 });
    assert.equal((await b.resume())?.commit.step, 3);
    await a.save(content(4), { step: 4, epoch: 0 });
    await assert.rejects(b.save(content(5), { step: 5, epoch: 0 }), code('E_CONFLICT'));
    assert.equal((await list(store, 'objects/')).length, 3, 'two that are kept, and the one of the loser');
  });

  test('s3, moto: a page saves, resumes and is told of another writer; no credential is told', async (t) => {
    const o = { bucket: 'models', prefix: 'page', endpoint, credentials: role, retry };
    await inPage(t, 'chromium', new URL('./testing/s3.page.ts', import.meta.url), async (page) => {
      const heard: string[] = [];
      page.on('console', (m) => heard.push(m.text()));
      const { resumed, conflict, steps } = await ask<Run>(page, 'run', o);
      const truth = await uninterrupted();
      assert.deepEqual([resumed, steps, conflict.code], [[5, await truth(5)], [3, 5, 7], 'E_CONFLICT']);
      // What the page has written is a run for anybody.
      const opened = await new RunStore(s3Store({ ...o, credentials: user })).open();
      assert.deepEqual([opened?.commit.step, opened?.file.fingerprint], [7, await truth(7)]);
      const secret = { ...role, secretAccessKey: SECRET };
      const wrong = await ask<Failure>(page, 'read', { ...o, credentials: secret });
      assert.equal(wrong.code, 'E_PERMISSION', wrong.text);
      // A bucket without a rule for pages answers, and the browser keeps the answer to itself.
      const closed = await ask<Failure>(page, 'read', { ...o, bucket: 'closed', retry: { attempts: 1, ms: 1 } });
      assert.equal(closed.code, 'E_IO', closed.text);
      const said = [conflict.text, wrong.text, closed.text, ...heard].join();
      for (const word of [...Object.values(role), SECRET]) assert.ok(!said.includes(word), said);
    });
  });
}

test("s3: signatures are those of Amazon's examples", async () => {
  const sign = signer({ region: 'us-east-1', credentials, checksums: true, now: () => Date.UTC(2013, 4, 24) });
  const example = { ...credentials, secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
  const by = signer({ region: 'us-east-1', credentials: example, checksums: true, now: () => Date.UTC(2013, 4, 24) });
  const of = async (query: string) => {
    const url = new URL(`https://examplebucket.s3.amazonaws.com/?${query}`);
    return (await by({ method: 'GET', url, headers: { range: 'bytes=0-9' } })).authorization;
  };
  const head =
    'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=';
  assert.equal(await of('lifecycle'), `${head}fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543`);
  assert.equal(
    await of('max-keys=2&prefix=J'),
    `${head}34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7`,
  );
  const url = new URL('https://examplebucket.s3.amazonaws.com/x');
  const put = await sign({ method: 'PUT', url, headers: { 'if-none-match': '*' }, body: new Blob(['abc']) });
  assert.equal(put['x-amz-content-sha256'], 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.equal(put['x-amz-checksum-sha256'], 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=');
  assert.match(
    put.authorization,
    /SignedHeaders=host;if-none-match;x-amz-checksum-sha256;x-amz-content-sha256;x-amz-date,/,
  );
});

test('s3: the bucket stands in the host, or in the path; the address is that of the region', async () => {
  const asked: string[] = [];
  const fetch = (async (url: URL) => {
    asked.push(url.href);
    return new Response(null, { status: 404 });
  }) as unknown as typeof globalThis.fetch;
  const r2 = 'https://account.r2.cloudflarestorage.com';
  for (const o of [
    {},
    { region: 'eu-central-1', prefix: 'runs/iris/' },
    { pathStyle: true },
    { region: 'cn-north-1' },
    { bucket: 'my.models' },
    { endpoint: r2, region: 'auto' },
    { endpoint: r2, pathStyle: false },
    { endpoint: 'http://127.0.0.1:9000/minio/' },
  ]) {
    await s3Store({ bucket: 'models', credentials, fetch, ...o }).head('a b/(x)');
  }
  assert.deepEqual(asked, [
    'https://models.s3.us-east-1.amazonaws.com/a%20b/%28x%29',
    'https://models.s3.eu-central-1.amazonaws.com/runs/iris/a%20b/%28x%29',
    'https://s3.us-east-1.amazonaws.com/models/a%20b/%28x%29',
    'https://models.s3.cn-north-1.amazonaws.com.cn/a%20b/%28x%29',
    'https://s3.us-east-1.amazonaws.com/my.models/a%20b/%28x%29',
    'https://account.r2.cloudflarestorage.com/models/a%20b/%28x%29',
    'https://models.account.r2.cloudflarestorage.com/a%20b/%28x%29',
    'http://127.0.0.1:9000/minio/models/a%20b/%28x%29',
  ]);
});

test('s3: options that cannot be are refused at once, without what they hold', () => {
  for (const o of [
    { bucket: '' },
    { bucket: 'a/b' },
    { bucket: '../x' },
    { prefix: '../x' },
    { prefix: 'a//b' },
    { region: 'eu/../x' },
    { partSize: 1024 },
    { partSize: 6 * 1024 * MIB },
    { credentials: { accessKeyId: SECRET } as never },
    { credentials: SECRET as never },
    { partsize: 5 * MIB } as never,
    { readOnly: 'yes' as never },
    { endpoint: `https://user:${SECRET}@example.org/` },
    { endpoint: `ftp://${SECRET}/` },
  ]) {
    assert.throws(
      () => s3Store({ bucket: 'models', credentials, ...o }),
      (e) =>
        code('E_OPTION')(e) &&
        !inspect(e, { depth: 9 })
          .replaceAll(/ at .*\n/g, '')
          .includes(SECRET),
    );
  }
});

test('s3: credentials that no header can carry are refused, and not told', async () => {
  for (const [field, value] of [
    ['accessKeyId', `${SECRET}\n`],
    ['secretAccessKey', `${SECRET} `],
    ['sessionToken', `a\n${SECRET}`],
    ['accessKeyId', `${SECRET}€`],
    ['accessKeyId', ''],
  ]) {
    const wrong = { ...credentials, [field]: value };
    for (const given of [wrong, async () => wrong]) {
      const fetch = () => assert.fail('nothing is sent');
      const store = s3Store({ bucket: 'models', endpoint: 'http://127.0.0.1:1/', credentials: given, fetch });
      await assert.rejects(
        store.head('x'),
        (e) =>
          code('E_OPTION')(e) && (e as Error).message.includes(field) && !inspect(e, { depth: 9 }).includes(SECRET),
      );
    }
  }
});

const MISHAPS: readonly (Fault | undefined)[] = [
  ...(['drop', undefined, { status: 503 }, undefined, 'lose', undefined, 'slow', undefined] as const),
  ...([undefined, 'truncate', undefined, { status: 500 }, undefined, undefined, { status: 409 }] as const),
];

storeSuite('s3, faulty', async () => {
  const fault = (_: unknown, count: number) => MISHAPS[count % MISHAPS.length];
  return (await made({ page: 2, fault }, { retry: { attempts: 25, ms: 1 } })).store;
});

const partsIn = (seen: readonly Seen[]) =>
  seen.filter((s) => s.method === 'PUT' && s.url.includes('partNumber')).length;
const ends = (seen: readonly Seen[]) => seen.filter((s) => s.method === 'DELETE' && s.url.includes('uploadId')).length;
const completes = ({ method, url }: { method: string; url: string }) => method === 'POST' && url.includes('uploadId');
const large = new Uint8Array(5 * MIB + 1000).map((_, i) => (i * 31) >> 8);
const parts = { partSize: 5 * MIB };

test('s3: a large body goes in parts of one size, each with its checksum; nothing is left behind', async () => {
  const { store, inner, seen, uploads } = await made({}, parts);
  assert.equal(await store.put('x', large, { ifAbsent: true }), 'written');
  assert.deepEqual(await inner.get('x'), large);
  const sent = seen.filter((s) => s.url.includes('models/x') && s.url.includes('partNumber'));
  assert.deepEqual(
    sent.map((s) => Number(s.headers['content-length'])),
    [5 * MIB, 1000],
  );
  assert.ok(sent.every((s) => s.headers['x-amz-checksum-sha256']));
  assert.equal(uploads.size, 0);
  const before = seen.length;
  assert.equal(await store.put('x', large.slice(1), { ifAbsent: true }), 'exists');
  assert.equal(partsIn(seen.slice(before)), 0, 'what is there is not sent again');
  const plain = await made({}, { ...parts, checksums: false });
  await plain.store.put('x', large);
  await plain.store.put('y', bytes(1));
  assert.ok(plain.seen.every((s) => !s.headers['x-amz-checksum-sha256'] && !s.headers['x-amz-checksum-algorithm']));
});

test('s3: parts that fail are sent again alone; a body that fails, or an abort, ends the upload', async () => {
  let fails = 3;
  const fault = ({ method, url }: { method: string; url: string }): Fault | undefined =>
    method === 'PUT' && url.includes('partNumber=2') && fails-- > 0 ? { status: 503 } : undefined;
  const { store, inner, seen, uploads } = await made({ fault }, parts);
  await store.put('x', large);
  assert.equal(partsIn(seen), 1 + 4);
  assert.deepEqual(await inner.get('x'), large);

  const down = await made({ fault: ({ url }) => (url.includes('partNumber=2') ? { status: 503 } : undefined) }, parts);
  await assert.rejects(down.store.put('x', large), code('E_IO', /503/));
  assert.deepEqual([partsIn(down.seen), ends(down.seen), down.uploads.size], [1 + retry.attempts, 1, 0]);

  const broken = {
    size: large.length,
    async *chunks() {
      yield large.subarray(0, 5 * MIB + 1);
      throw new Error('the source broke');
    },
  };
  await assert.rejects(store.put('y', broken), /the source broke/);
  assert.deepEqual([await inner.head('y'), uploads.size], [null, 0]);
  const control = new AbortController();
  const leaving = {
    size: large.length,
    async *chunks() {
      yield large.subarray(0, 5 * MIB + 1);
      control.abort(new Error('enough'));
      yield large.subarray(5 * MIB + 1);
    },
  };
  await assert.rejects(store.put('y', leaving, { signal: control.signal }), /enough/);
  assert.deepEqual([await inner.head('y'), uploads.size], [null, 0]);
});

test('s3: completing meets other writers (409, 412), lost answers, and faults behind a status of 200', async () => {
  const once = (fault: Fault, when = completes) => {
    let left = 1;
    return (r: { method: string; url: string }) =>
      when(r) && !r.url.includes('probe') && left-- > 0 ? fault : undefined;
  };
  for (const ifAbsent of [true, false]) {
    const conflict = await made({ fault: once({ status: 409 }) }, parts);
    assert.equal(await conflict.store.put('x', large, { ifAbsent }), 'written');
    assert.equal(partsIn(conflict.seen), (ifAbsent ? 1 : 0) + 4, 'all parts are sent anew');
    assert.equal(conflict.uploads.size, 0);

    const lost = await made({ fault: once('lose') }, parts);
    assert.equal(await lost.store.put('x', large, { ifAbsent }), 'written', 'the bytes decide');
    assert.deepEqual(await lost.inner.get('x'), large);

    const body = '<?xml version="1.0"?>\n<Error><Code>InternalError</Code></Error>';
    const late = await made({ fault: once({ status: 200, body }) }, parts);
    assert.equal(await late.store.put('x', large, { ifAbsent }), 'written');
    assert.deepEqual(await late.inner.get('x'), large);
    const denied = body.replace('InternalError', 'AccessDenied');
    const never = await made(
      { fault: (r) => (completes(r) && !r.url.includes('probe') ? { status: 200, body: denied } : undefined) },
      parts,
    );
    await assert.rejects(never.store.put('x', large, { ifAbsent }), code('E_IO'));
    assert.deepEqual([await never.inner.head('x'), never.uploads.size], [null, 0]);
  }
  const always = await made({ fault: (r) => (completes(r) ? { status: 409 } : undefined) }, parts);
  await assert.rejects(always.store.put('x', large), code('E_IO', /other writes/));
  assert.equal(always.uploads.size, 0);

  // another writer is first while the parts are on their way
  const raced = await made({}, parts);
  await raced.store.put('first', large, { ifAbsent: true });
  const body = {
    size: large.length,
    async *chunks() {
      yield large;
      await raced.inner.put('x', bytes(9));
    },
  };
  assert.equal(await raced.store.put('x', body, { ifAbsent: true }), 'exists');
  assert.deepEqual([await raced.inner.get('x'), raced.uploads.size], [bytes(9), 0]);
});

test('s3: a server that ignores conditions on uploads in parts is found out; one writer may still use it', async () => {
  const { store, options, inner } = await made({ conditionalParts: false }, parts);
  assert.equal(await store.put('small', bytes(1), { ifAbsent: true }), 'written');
  await assert.rejects(store.put('x', large, { ifAbsent: true }), code('E_UNSUPPORTED', /in parts.*oneWriter/));
  assert.equal(await inner.head('x'), null);
  const one = s3Store({ ...options, oneWriter: true });
  assert.equal(await one.put('x', large, { ifAbsent: true }), 'written');
  assert.equal(await one.put('x', large.slice(1), { ifAbsent: true }), 'exists');
});

test('s3: uploads that killed writers left behind are ended after a day, and no others', async () => {
  const DAY = 24 * 60 * 60 * 1000;
  const { store, uploads } = await made({}, { ...parts, prefix: 'runs' });
  const begun = (age: number) => Date.now() - age;
  uploads.set('old', { key: 'runs/a', begun: begun(DAY + 60_000), parts: new Map() });
  uploads.set('young', { key: 'runs/b', begun: begun(DAY - 60_000), parts: new Map() });
  uploads.set('foreign', { key: 'other/a', begun: begun(9 * DAY), parts: new Map() });
  await store.put('x', large);
  assert.deepEqual([...uploads.keys()], ['young', 'foreign']);
  const refused = await made(
    { fault: ({ url }) => (url.includes('models?uploads') ? { status: 403 } : undefined) },
    parts,
  );
  assert.equal(await refused.store.put('x', large), 'written', 'who may not look need not');
});

test('s3: listings come in pages by token; what is no listing, or out of order, is not believed', async () => {
  const { store, inner, seen } = await made({ page: 3 }, { prefix: 'runs/a&b' });
  const keys = Array.from({ length: 10 }, (_, i) => `k/<${i}>`);
  for (const k of keys) await inner.put(`runs/a&b/${k}`, bytes(1));
  assert.deepEqual(await list(store, 'k/'), keys);
  assert.equal(seen.length, 4);
  assert.equal(seen.filter((s) => s.url.includes('continuation-token')).length, 3);
  const entry = (key: string, size = '1') => `<Contents><Key>${key}</Key><Size>${size}</Size></Contents>`;
  const more = '<IsTruncated>true</IsTruncated>';
  for (const body of [
    'no',
    '',
    '<ListBucketResult>',
    `<ListBucketResult>${entry('b')}${entry('a')}</ListBucketResult>`,
    `<ListBucketResult>${entry('a')}${entry('a')}</ListBucketResult>`,
    `<ListBucketResult>${entry('a', '-1')}</ListBucketResult>`,
    `<ListBucketResult>${entry('a', '1e3')}</ListBucketResult>`,
    `<ListBucketResult>${more}</ListBucketResult>`,
    `<ListBucketResult>${more}<NextContinuationToken>x</NextContinuationToken></ListBucketResult>`,
    `<!DOCTYPE x [<!ENTITY e "a">]><ListBucketResult>${entry('&e;')}</ListBucketResult>`,
    `<Error>${entry('a')}</Error>`,
  ]) {
    const { store: bad } = await made({ fault: () => ({ status: 200, body }) });
    await assert.rejects(list(bad), code('E_IO'), body);
  }
});

test('s3: XML is read as far as S3 speaks it, and refused beyond', () => {
  const text =
    '<?xml version="1.0"?><a b="c"><!-- x --><k>1 &lt; 2 &amp; &#233;&#x1F600;</k><k/><d><![CDATA[<&]]></d></a>\n';
  const root = parseXml(text);
  assert.deepEqual(
    root?.children.map((c) => [c.name, c.text]),
    [
      ['k', '1 < 2 & é\u{1f600}'],
      ['k', ''],
      ['d', '<&'],
    ],
  );
  for (const bad of [
    '',
    'x',
    '<a>',
    '</a>',
    '<a></b>',
    '<a/><b/>',
    '<a/>x',
    '<a>&x;</a>',
    '<a>&</a>',
    '<a>&#1114112;</a>',
  ]) {
    assert.equal(parseXml(bad), null, bad);
  }
  for (const bad of [
    '<!DOCTYPE a><a/>',
    '<a b=c/>',
    '<a b="<"/>',
    '<a><!-- </a>',
    '<a><![CDATA[</a>',
    '<a'.repeat(99),
  ]) {
    assert.equal(parseXml(bad), null, bad);
  }
  assert.equal(parseXml('<a>'.repeat(40) + '</a>'.repeat(40)), null);
  const begun = performance.now();
  for (const s of ['<a ', '<a b="', '<!-- ', '<![CDATA[', '&#1', '<a>', '<a b="c" ']) parseXml(s.repeat(200_000));
  assert.ok(performance.now() - begun < 2000, 'in time that grows as the text does');
});

test('s3: statuses and codes become typed errors that say what to do; what may pass is tried again', async () => {
  for (const [status, said, want, about, tries] of [
    [403, 'RequestTimeTooSkewed', 'E_PERMISSION', /clock/, 1],
    [400, 'ExpiredToken', 'E_PERMISSION', /credentials/, 1],
    [400, 'AuthorizationHeaderMalformed', 'E_UNSUPPORTED', /region/, 1],
    [301, 'PermanentRedirect', 'E_UNSUPPORTED', /region/, 1],
    [307, 'TemporaryRedirect', 'E_UNSUPPORTED', /region/, 1],
    [400, 'RequestTimeout', 'E_IO', /./, retry.attempts],
    [400, 'BadDigest', 'E_INTEGRITY', /on their way/, retry.attempts],
    [400, 'EntityTooLarge', 'E_LIMIT', /partSize/, 1],
    [501, 'NotImplemented', 'E_UNSUPPORTED', /checksums/, 1],
    [503, 'SlowDown', 'E_IO', /./, retry.attempts],
    [409, 'ConditionalRequestConflict', 'E_IO', /./, retry.attempts],
    [403, `${SECRET}`, 'E_PERMISSION', /credentials/, 1],
  ] as const) {
    const body = `<Error><Code>${said}</Code><Message>${SECRET}</Message></Error>`;
    const headers = { location: `http://127.0.0.1:1/?${SECRET}` };
    const { store, seen } = await made({ fault: () => ({ status, body, headers }) });
    await assert.rejects(store.put('x', bytes(1)), code(want, about), said);
    assert.equal(seen.length, tries, said);
    await assert.rejects(store.get('x'), code(want, about), said);
  }
});

test('s3: no credential is in any error, name or cause, nor in what is stored', async () => {
  const temporary = { ...credentials, sessionToken: TOKEN };
  const caught: unknown[] = [];
  const gather = (work: () => unknown) =>
    Promise.resolve()
      .then(work)
      .catch((e) => caught.push(e));
  const every = async (store: ReturnType<typeof s3Store>) => {
    caught.push(store.name, store);
    await gather(() => store.caps());
    await gather(() => store.head('x'));
    await gather(() => store.get('x', { offset: 1, length: 2 }));
    await gather(() => store.put('x', bytes(1)));
    await gather(() => store.put('x', bytes(1), { ifAbsent: true }));
    await gather(() => store.put('x', large));
    await gather(() => store.delete('x'));
    await gather(() => list(store));
  };
  const echo = `<Error><Code>X</Code><Message>${SECRET} ${TOKEN}</Message></Error>`;
  const faults: Fault[] = [
    { status: 500, body: echo },
    { status: 403, body: echo },
    { status: 302, headers: { location: `/?X-Amz-Signature=${SECRET}` } },
    'drop',
  ];
  for (const fault of faults) {
    await every(
      (await made({ fault: () => fault }, { credentials: temporary, ...parts, retry: { attempts: 1 } })).store,
    );
  }
  const closed = await listen(() => {});
  await closed[Symbol.asyncDispose]();
  const o = { bucket: 'models', endpoint: closed.url, retry: { attempts: 1 } };
  await every(s3Store({ ...o, credentials: temporary }));
  await every(s3Store({ ...o, credentials: { ...temporary, sessionToken: `${TOKEN}\n${SECRET}\u{1f600}` } }));
  await every(s3Store({ ...o, credentials: { accessKeyId: `${SECRET}\u{1f600}`, secretAccessKey: SECRET } }));
  await every(s3Store({ ...o, endpoint: `${closed.url}?X-Amz-Signature=${SECRET}`, credentials: temporary }));
  assert.ok(caught.length > 50, `${caught.length}`);
  for (const e of caught) {
    const shown = inspect(e, { depth: 10, showHidden: true }).replaceAll(/ at .*\n/g, '');
    for (const s of [SECRET, TOKEN, credentials.accessKeyId, 'X-Amz-Signature']) assert.ok(!shown.includes(s), shown);
  }
  const { store, inner } = await made({ credentials: temporary }, { credentials: temporary });
  const run = new RunStore(store);
  await run.save({ kind: 'train', schema: {}, state: { step: 1 }, tensors: new Map() }, { step: 1, epoch: 0 });
  let kept = 0;
  for await (const { key } of inner.list('')) {
    const held = `${key} ${Buffer.from(await inner.get(key)).toString('latin1')}`;
    kept++;
    for (const s of [SECRET, TOKEN, credentials.accessKeyId]) assert.ok(!held.includes(s), key);
  }
  assert.ok(kept >= 3);
});
