import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FileError, ValidationError } from '../../src/errors.js';
import { writeFileAtomic, writeFilesAtomic } from '../../src/files/atomicFile.js';
import { readFileBytes } from '../../src/files/readFile.js';
import { useTemporaryDirectory } from './directory.js';

const inside = useTemporaryDirectory();
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const namesIn = (directory: string): string[] => readdirSync(directory).sort();
const isRoot = process.getuid?.() === 0;
const moduleUrl = new URL('../../src/files/atomicFile.ts', import.meta.url).href;

/** Name of a temporary file as another write of `model.xml` would have made it. */
const temporaryName = (host: string, processId: number): string =>
  `.model.xml.${host.replaceAll(/[^A-Za-z0-9-]/g, '-').slice(0, 40)}.${processId}.01234567-89ab.tmp`;

/** The id of a process that has ended. */
const deadProcess = (): number => spawnSync(process.execPath, ['-e', '']).pid;

describe('writeFileAtomic', () => {
  it('writes and replaces, and leaves nothing else behind', async () => {
    await writeFileAtomic(inside('model.xml'), text('first'));
    expect(readFileSync(inside('model.xml'), 'utf8')).toBe('first');
    await writeFileAtomic(inside('model.xml'), [text('sec'), text(''), text('ond')]);
    expect(readFileSync(inside('model.xml'), 'utf8')).toBe('second');
    await writeFileAtomic(inside('model.xml'), []);
    expect(statSync(inside('model.xml')).size).toBe(0);
    expect(namesIn(inside())).toEqual(['model.xml']);
  });

  it('writes the part of a buffer that a view shows', async () => {
    await writeFileAtomic(inside('part'), new Uint8Array([1, 2, 3, 4, 5]).subarray(1, 4));
    expect(Array.from(readFileSync(inside('part')))).toEqual([2, 3, 4]);
  });

  it('takes a path relative to the working directory', async () => {
    const before = process.cwd();
    process.chdir(inside());
    try {
      await writeFileAtomic('here.bin', new Uint8Array([7]));
    } finally {
      process.chdir(before);
    }
    expect(Array.from(readFileSync(inside('here.bin')))).toEqual([7]);
    expect(namesIn(inside())).toEqual(['here.bin']);
  });

  it('takes long names in any script', async () => {
    const name = '試'.repeat(80);
    await writeFileAtomic(inside(name), text('ok'));
    expect(namesIn(inside())).toEqual([name]);
  });

  it('survives many writers of the same file', async () => {
    const contents = Array.from({ length: 20 }, (_, index) => String(index).repeat(1000));
    await Promise.all(contents.map((content) => writeFileAtomic(inside('shared'), text(content))));
    expect(contents).toContain(readFileSync(inside('shared'), 'utf8'));
    expect(namesIn(inside())).toEqual(['shared']);
  });

  it.skipIf(process.platform === 'win32')('keeps permissions and follows links', async () => {
    writeFileSync(inside('target'), 'old');
    chmodSync(inside('target'), 0o640);
    symlinkSync('target', inside('link'));
    await writeFileAtomic(inside('link'), text('new'));
    expect(realpathSync(inside('link'))).toBe(realpathSync(inside('target')));
    expect(readFileSync(inside('target'), 'utf8')).toBe('new');
    expect(statSync(inside('target')).mode & 0o777).toBe(0o640);
  });
});

describe('errors', () => {
  const failure = async (path: string): Promise<FileError> => {
    const error = await writeFileAtomic(path, text('x')).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(FileError);
    return error as FileError;
  };

  it('names the missing directory', async () => {
    const error = await failure(inside('missing', 'model.xml'));
    expect(error.code).toBe('NOT_FOUND');
    expect(error.message).toContain(inside('missing', 'model.xml'));
    expect(error.message).toMatch(/Create the directory/);
    expect(error.details).toEqual({ path: inside('missing', 'model.xml'), systemCode: 'ENOENT' });
    expect((error.cause as NodeJS.ErrnoException).code).toBe('ENOENT');
  });

  it('a file in place of a directory', async () => {
    writeFileSync(inside('file'), '');
    expect((await failure(inside('file', 'model.xml'))).code).toBe('NOT_A_DIRECTORY');
  });

  it('a directory in place of a file', async () => {
    mkdirSync(inside('directory'));
    expect((await failure(inside('directory'))).code).toBe('IS_A_DIRECTORY');
    expect(namesIn(inside())).toEqual(['directory']);
  });

  it('a name that is too long', async () => {
    expect((await failure(inside('x'.repeat(300)))).code).toBe('BAD_PATH');
    expect(namesIn(inside())).toEqual([]);
  });

  it('paths that are none', async () => {
    await expect(writeFileAtomic('', text('x'))).rejects.toThrow(ValidationError);
    await expect(writeFileAtomic(inside('a\0b'), text('x'))).rejects.toThrow(ValidationError);
    await expect(writeFileAtomic(undefined as unknown as string, text('x'))).rejects.toThrow(ValidationError);
  });

  it.skipIf(isRoot || process.platform === 'win32')('a directory and a file that are write-protected', async () => {
    mkdirSync(inside('protected'));
    writeFileSync(inside('protected', 'old'), 'old');
    chmodSync(inside('protected', 'old'), 0o444);
    expect((await failure(inside('protected', 'old'))).code).toBe('NO_PERMISSION');
    chmodSync(inside('protected'), 0o555);
    expect((await failure(inside('protected', 'new'))).code).toBe('NO_PERMISSION');
    chmodSync(inside('protected'), 0o755);
    expect(readFileSync(inside('protected', 'old'), 'utf8')).toBe('old');
  });

  it.skipIf(!existsSync('/proc/self'))('a file system without regular files', async () => {
    expect((await failure('/proc/model.xml')).message).toContain('/proc/model.xml');
  });

  it.skipIf(!existsSync('/dev/full'))('a full disk', async () => {
    const error = await failure('/dev/full');
    expect(error).toMatchObject({ code: 'NO_SPACE', details: { systemCode: 'ENOSPC' } });
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
  });

  it.skipIf(process.platform === 'win32')(
    'running out of room halfway keeps the old file and removes the new one',
    () => {
      writeFileSync(inside('model.xml'), 'old');
      writeFileSync(
        inside('script.mts'),
        `import { writeFileAtomic } from ${JSON.stringify(moduleUrl)};
      try {
        await writeFileAtomic(${JSON.stringify(inside('model.xml'))}, new Uint8Array(1_000_000));
      } catch (error) {
        console.log(JSON.stringify({ name: error.name, code: error.code, systemCode: error.details.systemCode }));
      }`,
      );
      // The limit of a process on the size of files fails a write in the middle, as a full disk does.
      const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
      const command = 'trap "" XFSZ; ulimit -f 128; exec "$0" --import "$1" "$2"';
      const environment = { ...process.env, TSX_DISABLE_CACHE: '1' };
      const output = execFileSync('bash', ['-c', command, process.execPath, tsx, inside('script.mts')], {
        env: environment,
      });
      expect(JSON.parse(output.toString())).toEqual({ name: 'FileError', code: 'FILE_TOO_LARGE', systemCode: 'EFBIG' });
      expect(readFileSync(inside('model.xml'), 'utf8')).toBe('old');
      expect(namesIn(inside())).toEqual(['model.xml', 'script.mts']);
    },
  );
});

describe('writeFilesAtomic', () => {
  it('writes all files', async () => {
    await writeFilesAtomic([
      { path: inside('model.bin'), bytes: text('weights') },
      { path: inside('model.xml'), bytes: [text('<net'), text('/>')] },
    ]);
    expect(readFileSync(inside('model.bin'), 'utf8')).toBe('weights');
    expect(readFileSync(inside('model.xml'), 'utf8')).toBe('<net/>');
    expect(namesIn(inside())).toEqual(['model.bin', 'model.xml']);
  });

  it('changes none when one cannot be written', async () => {
    writeFileSync(inside('model.bin'), 'old');
    mkdirSync(inside('model.xml'));
    const files = [
      { path: inside('model.bin'), bytes: text('new') },
      { path: inside('model.xml'), bytes: text('new') },
    ];
    await expect(writeFilesAtomic(files)).rejects.toMatchObject({
      code: 'IS_A_DIRECTORY',
      details: { path: inside('model.xml') },
    });
    expect(readFileSync(inside('model.bin'), 'utf8')).toBe('old');
    expect(namesIn(inside())).toEqual(['model.bin', 'model.xml']);
  });

  it('rejects two contents for one file', async () => {
    const files = [
      { path: inside('a'), bytes: text('1') },
      { path: join(dirname(inside('a')), '.', 'a'), bytes: text('2') },
    ];
    await expect(writeFilesAtomic(files)).rejects.toMatchObject({ name: 'ValidationError', code: 'DUPLICATE_PATH' });
    expect(namesIn(inside())).toEqual([]);
  });
});

describe('abandoned temporary files', () => {
  const yesterday = new Date(Date.now() - 25 * 3_600_000);

  it('of dead processes go with the next write of the same target', async () => {
    writeFileSync(inside(temporaryName(hostname(), deadProcess())), 'half');
    await writeFileAtomic(inside('other.xml'), text('x'));
    expect(namesIn(inside())).toHaveLength(2);
    await writeFileAtomic(inside('model.xml'), text('x'));
    expect(namesIn(inside())).toEqual(['model.xml', 'other.xml']);
  });

  it('of an earlier process with the same id go, of this process stay', async () => {
    const name = temporaryName(hostname(), process.pid);
    writeFileSync(inside(name), 'half');
    await writeFileAtomic(inside('model.xml'), text('x'));
    expect(namesIn(inside())).toEqual([name, 'model.xml']);
    const beforeStart = new Date(Date.now() - process.uptime() * 1000 - 60_000);
    utimesSync(inside(name), beforeStart, beforeStart);
    await writeFileAtomic(inside('model.xml'), text('x'));
    expect(namesIn(inside())).toEqual(['model.xml']);
  });

  it.each([
    ['running processes', hostname(), process.ppid],
    ['other machines', 'somewhere-else', 1],
  ])('of %s stay for a day', async (_, host, processId) => {
    const name = temporaryName(host, processId);
    writeFileSync(inside(name), 'half');
    await writeFileAtomic(inside('model.xml'), text('x'));
    expect(namesIn(inside())).toEqual([name, 'model.xml']);
    utimesSync(inside(name), yesterday, yesterday);
    await writeFileAtomic(inside('model.xml'), text('x'));
    expect(namesIn(inside())).toEqual(['model.xml']);
  });

  it('are told from files that only look similar', async () => {
    const names = ['.model.xml.backup.tmp', `.model.xml.${deadProcess()}.tmp`, 'model.xml.tmp'];
    for (const name of names) {
      writeFileSync(inside(name), 'mine');
      utimesSync(inside(name), yesterday, yesterday);
    }
    await writeFileAtomic(inside('model.xml'), text('x'));
    expect(namesIn(inside())).toEqual([...names, 'model.xml'].sort());
  });
});

describe('readFileBytes', () => {
  it('reads what was written, into an array of its own', async () => {
    const bytes = Uint8Array.from({ length: 100_003 }, (_, index) => (index * 31) & 0xff);
    await writeFileAtomic(inside('data'), bytes);
    const read = await readFileBytes(inside('data'));
    expect(read).toEqual(bytes);
    expect(read.byteOffset).toBe(0);
    expect(read.buffer.byteLength).toBe(bytes.length);
  });

  it.skipIf(!existsSync('/proc/self/status'))('reads files that do not know their size', async () => {
    expect(new TextDecoder().decode(await readFileBytes('/proc/self/status'))).toMatch(/^Name:/);
    expect(await readFileBytes('/dev/null')).toEqual(new Uint8Array(0));
  });

  it('explains what cannot be read', async () => {
    await expect(readFileBytes(inside('missing'))).rejects.toMatchObject({ name: 'FileError', code: 'NOT_FOUND' });
    await expect(readFileBytes(inside())).rejects.toMatchObject({ name: 'FileError', code: 'IS_A_DIRECTORY' });
    await expect(readFileBytes('')).rejects.toThrow(ValidationError);
  });
});
