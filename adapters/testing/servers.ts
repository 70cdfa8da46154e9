/** nginx and Apache httpd of this machine, each over an empty folder of its own; where they are missing, why. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface WebServer extends AsyncDisposable {
  readonly url: string;
  /** What it has answered so far: one line a request, `method path status bytes`. */
  log(): Promise<string[]>;
  /** Where its objects lie. */
  readonly root: string;
}

/** What scripts/setup.mjs unpacks, and what the system has. */
const PREFIXES = [fileURLToPath(new URL('../../.servers', import.meta.url)), ''];

function find(path: string): string | null {
  return PREFIXES.map((p) => p + path).find((p) => existsSync(p)) ?? null;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

async function start(
  program: string,
  args: readonly string[],
  folder: string,
  port: number,
  env: Record<string, string> = {},
): Promise<WebServer> {
  const child: ChildProcess = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // Apache ends its whole process group when it ends
  });
  const stop = () => child.kill('SIGTERM');
  process.once('exit', stop);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (d) => {
      said += d;
    });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}/`;
  for (let n = 0; ; n++) {
    if (child.exitCode !== null || n > 300) throw new Error(`${program} does not answer: ${said}`);
    const answer = await fetch(`${url}.started`, { method: 'HEAD' }).catch(() => null);
    if (answer) break;
    await new Promise((r) => setTimeout(r, 50));
  }
  let marks = 0;
  return {
    url,
    root: join(folder, 'root'),
    async log() {
      // A line is written behind its answer: with that of one more request, all before it are there.
      const mark = `/.started-${++marks}`;
      await fetch(new URL(mark, url), { method: 'HEAD' });
      for (let n = 0; n < 300; n++) {
        const lines = (await readFile(join(folder, 'access.log'), 'utf8')).split('\n');
        if (lines.some((l) => l.includes(`${mark} `))) return lines.filter((l) => l !== '' && !l.includes('/.started'));
        await new Promise((r) => setTimeout(r, 20));
      }
      throw new Error(`${program} does not write its log`);
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', stop);
      stop();
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

async function folderFor(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `isobit-${name}-`));
  for (const inner of ['root', 'temp', 'locks']) await mkdir(join(folder, inner));
  // Started by root they serve as nobody.
  for (const inner of ['', 'root', 'temp', 'locks']) await chmod(join(folder, inner), 0o777);
  return folder;
}

/** nginx with its DAV module, which ignores `If-None-Match` on a PUT. */
export async function startNginx(): Promise<WebServer | string> {
  const program = find('/usr/sbin/nginx');
  if (!program) return 'nginx is not installed: npm test unpacks the packages of Debian, elsewhere install it';
  const folder = await folderFor('nginx');
  const port = await freePort();
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr crit;
events { worker_connections 256; }
http {
  log_format plain '$request_method $uri $status $body_bytes_sent';
  access_log ${folder}/access.log plain;
  ${temps.map((t) => `${t}_temp_path ${folder}/temp/${t};`).join('\n  ')}
  default_type application/octet-stream;
  server {
    listen 127.0.0.1:${port};
    root ${folder}/root;
    client_max_body_size 0;
    dav_methods PUT DELETE;
    create_full_put_path on;
  }
}
`,
  );
  return start(program, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], folder, port);
}

/**
 * Apache httpd with mod_dav, which obeys `If-None-Match` on a PUT, but looks before it writes: two who write at once are both
 * told that they have. With `serial` it answers one request at a time.
 */
export async function startApache(o: { serial?: boolean } = {}): Promise<WebServer | string> {
  const program = find('/usr/sbin/apache2');
  const modules = find('/usr/lib/apache2/modules');
  if (!program || !modules)
    return 'apache2 is not installed: npm test unpacks the packages of Debian, elsewhere install apache2-bin';
  const folder = await folderFor('apache');
  const port = await freePort();
  const load = (name: string) => `<IfModule !${name}_module>
  LoadModule ${name}_module ${modules}/mod_${name}.so
</IfModule>`;
  const mpm = o.serial
    ? `${load('mpm_prefork')}\nStartServers 1\nMinSpareServers 1\nMaxSpareServers 1\nMaxRequestWorkers 1\nKeepAlive Off`
    : load('mpm_event');
  await writeFile(
    join(folder, 'httpd.conf'),
    `ServerRoot ${folder}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${folder}/pid
DefaultRuntimeDir ${folder}/temp
ErrorLog ${folder}/error.log
User #65534
Group #65534
${mpm}
${['authz_core', 'log_config', 'dav', 'dav_fs'].map(load).join('\n')}
LogFormat "%m %U %>s %B" plain
CustomLog ${folder}/access.log plain
DavLockDB ${folder}/locks/db
DocumentRoot ${folder}/root
<Directory ${folder}/root>
  Dav On
  Require all granted
</Directory>
`,
  );
  const libraries = join(PREFIXES[0], 'usr/lib/x86_64-linux-gnu');
  const arm = join(PREFIXES[0], 'usr/lib/aarch64-linux-gnu');
  const env = program.startsWith(PREFIXES[0]) ? { LD_LIBRARY_PATH: `${libraries}:${arm}` } : undefined;
  return start(program, ['-d', folder, '-f', join(folder, 'httpd.conf'), '-DFOREGROUND'], folder, port, env);
}
