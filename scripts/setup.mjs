/**
 * Makes a fresh clone ready: packages, WASM kernels, dist, and for the tests a Python with independent readers and a server,
 * browsers, software GPUs, and web servers.
 * Uses Node alone, since nothing is installed yet; does only what is missing, and says what it does. With `--kernels` it
 * leaves dist out.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isFresh, ROOT } from './stamp.mjs';

/** A failure with a message for the user; no stack is wanted. */
class SetupError extends Error {}

/** @param {string} line */
const say = (line) => console.error(`isobit: ${line}`);

/**
 * Runs a command with its output kept back unless it fails.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} hint
 * @param {string} [cwd]
 */
function run(command, args, hint, cwd = ROOT) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const r = spawnSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (r.status === 0) return;
  throw new SetupError(
    `${command} ${args.join(' ')} failed.\n${r.stdout ?? ''}${r.stderr ?? ''}${r.error?.message ?? ''}\n${hint}`,
  );
}

/**
 * True when what is installed is what the lock file names. npm keeps a lock of its own in node_modules; packages for
 * other platforms (`optional`) may be absent.
 */
function packagesAreInstalled() {
  const installed = join(ROOT, 'node_modules/.package-lock.json');
  if (!existsSync(installed)) return false;
  const have = JSON.parse(readFileSync(installed, 'utf8')).packages;
  const want = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
  return Object.keys(want).every(
    (path) =>
      path === '' ||
      (have[path] ? have[path].version === want[path].version && existsSync(join(ROOT, path)) : want[path].optional),
  );
}

function installPackages() {
  if (packagesAreInstalled()) return;
  say('installing packages (npm ci) …');
  // No install script is needed: esbuild's binary comes as a package of its own.
  const args = ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  const hint = 'Check that the npm registry can be reached, then try again.';
  // Under `npm start` the running npm is known; calling its file works on every platform.
  const npm = process.env.npm_execpath;
  if (npm?.endsWith('.js')) run(process.execPath, [npm, ...args], hint);
  else run('npm', args, hint);
}

/** @param {'wasm' | 'dist'} part */
function build(part) {
  if (isFresh(part)) return;
  say(part === 'wasm' ? 'building the WASM kernels …' : 'building dist …');
  run(process.execPath, [join(ROOT, 'scripts/build.mjs'), part], 'The message above names the source to mend.');
}

/** `.venv` with what scripts/requirements.txt names, for the tests that read our files with another language. */
function installPython() {
  const requirements = join(ROOT, 'scripts/requirements.txt');
  const python = join(ROOT, '.venv', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const stamp = join(ROOT, '.venv/.stamp');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(python) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const host = process.platform === 'win32' ? 'python' : 'python3';
  const hasVenv = spawnSync(host, ['-c', 'import venv, ensurepip']).status === 0;
  if (!hasVenv) {
    const hint = 'The tests read checkpoints with Python: install Python 3.9 or newer with its venv module.';
    if (!hasApt()) throw new SetupError(`${host} with the venv module was not found.\n${hint}`);
    say('installing python3 and python3-venv (apt-get) …');
    run('apt-get', ['update', '-qq'], hint);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'python3', 'python3-venv'], hint);
  }
  say('making .venv with the Python packages of the tests (pip) …');
  rmSync(join(ROOT, '.venv'), { recursive: true, force: true });
  run(host, ['-m', 'venv', join(ROOT, '.venv')], 'Python could not make a virtual environment.');
  run(
    python,
    ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements],
    'Check that the Python package index can be reached, then try again.',
  );
  writeFileSync(stamp, wanted);
}

/** True where packages of the system can be installed. */
const hasApt = () => process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0;

/**
 * Debian's browsers and software GPUs, for the tests that run in them. Without them those tests report what is missing, and
 * fail where CI=true.
 */
function installBrowsers() {
  if (process.platform !== 'linux') return;
  const missing = ['chromium', 'firefox-esr', 'libvulkan1', 'mesa-vulkan-drivers'].filter(
    (name) => spawnSync('dpkg', ['-s', name]).status !== 0,
  );
  if (missing.length === 0) return;
  if (!hasApt()) {
    say(`not installed: ${missing.join(', ')}; tests in browsers and on software GPUs are left out`);
    return;
  }
  say(`installing ${missing.join(', ')} (apt-get) …`);
  const hint = 'The tests run in browsers and on software GPUs: install these packages of Debian.';
  run('apt-get', ['update', '-qq'], hint);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], hint);
}

/** Web servers of Debian, and the libraries they need that a small system lacks. */
const SERVERS = ['nginx', 'apache2-bin', 'libapr1', 'libaprutil1'];

/**
 * nginx and Apache httpd for the tests of remote stores, unpacked into `.servers`: nothing of the system changes, no service
 * starts, and no root is needed. Without them those tests report what is missing, and fail where CI=true.
 */
function installServers() {
  const folder = join(ROOT, '.servers');
  const stamp = join(folder, '.stamp');
  const wanted = `${SERVERS.join(' ')}\n`;
  const there = (/** @type {string} */ root) =>
    ['nginx', 'apache2'].every((name) => existsSync(`${root}/usr/sbin/${name}`));
  if (there('') || (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted)) return;
  say(`unpacking ${SERVERS.join(', ')} into .servers (apt-get download) …`);
  const hint = 'The tests of remote stores need nginx and apache2-bin: run `apt-get update` as root, or install them.';
  const packages = join(folder, 'packages');
  try {
    if (hasApt()) run('apt-get', ['update', '-qq'], hint);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(packages, { recursive: true });
    // As root apt would download as another user, who may not write there.
    run('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', ...SERVERS], hint, packages);
    for (const file of readdirSync(packages)) run('dpkg-deb', ['-x', join(packages, file), folder], hint);
  } catch (e) {
    if (hasApt() || !(e instanceof SetupError)) throw e;
    say(`not installed: nginx, apache2; tests of stores on them are left out. ${hint}`);
    return;
  }
  rmSync(packages, { recursive: true });
  writeFileSync(stamp, wanted);
}

/**
 * @param {{ dist?: boolean, python?: boolean, browsers?: boolean, servers?: boolean }} [need] what beyond packages and WASM kernels is needed
 */
export function setup({ dist = true, python = false, browsers = false, servers = false } = {}) {
  const [major] = process.versions.node.split('.').map(Number);
  try {
    if (major < 20) throw new SetupError(`Node ${process.versions.node} is too old: isobit needs Node 20 or newer.`);
    installPackages();
    build('wasm');
    if (dist) build('dist');
    if (python) installPython();
    if (servers) installServers();
    if (browsers) installBrowsers();
  } catch (e) {
    if (!(e instanceof SetupError)) throw e;
    say(e.message);
    process.exit(1);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  setup({ dist: !process.argv.includes('--kernels'), browsers: process.argv.includes('--browsers') });
}
