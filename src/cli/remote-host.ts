// A host elsewhere, asked by its API with a token: `posthaste --host https://mail.example.com --token-file F ...`. What
// changes something carries a key, so that a request whose answer was lost can be sent again without doing it twice.

import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { type AnyOperation, pathFields } from '../admin/operation.ts';
import { operationNamed } from '../admin/registry.ts';
import type { Plan } from '../proof/plan/types.ts';
import { CommandError } from './context.ts';

type Input = Readonly<Record<string, unknown>>;

interface ToldProblem {
  readonly detail?: string;
  readonly mend?: string;
}

const tries = 3;
const patienceMilliseconds = 60_000;

export class RemoteHost {
  readonly #origin: string;
  readonly #token: string;
  readonly #given: readonly [url: string, tokenFile: string | undefined];
  /** Changes are planned and not made. */
  #isPlanning = false;

  /** Throws CommandError. */
  constructor(url: string, tokenFile: string | undefined) {
    this.#given = [url, tokenFile];
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    const isHere = parsed !== undefined && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(parsed.hostname);
    if (parsed === undefined || (parsed.protocol !== 'https:' && !(isHere && parsed.protocol === 'http:'))) {
      throw new CommandError(`--host ${url}: write it as https://mail.example.com`, 2);
    }
    if (tokenFile === undefined) {
      throw new CommandError(
        '--host needs --token-file FILE, or $POSTHASTE_TOKEN_FILE: make a token with posthaste token add',
        2,
      );
    }
    this.#origin = parsed.origin;
    this.#token = readToken(tokenFile);
  }

  /** The same, of which no change is made: the first one that is asked for is planned, and ends as a PlannedChange. */
  planning(): RemoteHost {
    const planning = new RemoteHost(...this.#given);
    planning.#isPlanning = true;
    return planning;
  }

  /** What the operation gives. Throws CommandError with the host's own words. */
  async call<Output>(name: string, input: Input = {}): Promise<Output> {
    const operation = operationNamed(name);
    if (operation === undefined) throw new Error(`there is no operation ${name}`);
    if (this.#isPlanning && operation.kind !== 'read') {
      throw new PlannedChange(await this.call('directory.plan', wantedOf(operation, input)));
    }
    const { status, body } = await this.#send(operation, input);
    if (status < 300) return body as Output;
    const { detail = `the host answered ${status}`, mend } = (body ?? {}) as ToldProblem;
    const isTemporary = status === 503 || status === 429;
    const more = mend ?? (status === 401 ? 'make a token there with posthaste token add' : undefined);
    throw new RemoteError(more === undefined ? detail : `${detail}: ${more}`, isTemporary ? 75 : 1, status);
  }

  /** Undefined where it is not there. */
  async find<Output>(name: string, input: Input): Promise<Output | undefined> {
    try {
      return await this.call<Output>(name, input);
    } catch (error) {
      if (error instanceof RemoteError && error.status === 404) return undefined;
      throw error;
    }
  }

  async #send(operation: AnyOperation, input: Input): Promise<{ status: number; body: unknown }> {
    const { method, kind } = operation;
    const isInQuery = method === 'GET' || method === 'DELETE';
    const inPath = pathFields(operation.path);
    const others = Object.entries(input).filter(([field, value]) => !inPath.includes(field) && value !== undefined);
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, field: string) =>
      encodeURIComponent(String(input[field])),
    );
    const url = new URL(`${this.#origin}/api/v1${path}`);
    if (isInQuery) {
      for (const [field, value] of others) {
        for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(field, String(one));
      }
    }
    const init = {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(isInQuery ? {} : { 'content-type': 'application/json' }),
        ...(method === 'POST' && kind === 'change' ? { 'idempotency-key': randomUUID() } : {}),
      },
      redirect: 'error',
      ...(isInQuery ? {} : { body: JSON.stringify(Object.fromEntries(others)) }),
    } as const;
    const mayRepeat = method === 'GET' || method === 'PUT' || (method === 'POST' && kind === 'change');
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await fetch(url, { ...init, signal: AbortSignal.timeout(patienceMilliseconds) });
        const text = await response.text();
        const isJson = response.headers.get('content-type')?.includes('json') === true;
        return { status: response.status, body: isJson ? (JSON.parse(text) as unknown) : undefined };
      } catch (error) {
        if (mayRepeat && attempt < tries && !isUntrusted(error)) {
          await wait(attempt * 500);
          continue;
        }
        throw unreachable(this.#origin, error);
      }
    }
  }
}

interface FetchError extends Error {
  readonly cause?: { readonly message?: string; readonly code?: string };
}

/** The host's certificate is not one that is trusted here: another attempt finds the same. */
function isUntrusted(error: unknown): boolean {
  return /CERT|VERIFY|SELF_SIGNED/.test((error as FetchError).cause?.code ?? '');
}

function unreachable(origin: string, error: unknown): CommandError {
  const { cause, message } = error as FetchError;
  const why = cause?.message ?? cause?.code ?? message;
  if (!isUntrusted(error)) return new CommandError(`${origin} cannot be asked: ${why}`, 75);
  return new CommandError(
    `${origin} cannot be trusted: ${why.replace(/[;,.] if the root CA .*$/, '')}; where its authority is your own, name that: NODE_EXTRA_CA_CERTS=FILE posthaste --host ${origin} ...`,
    1,
  );
}

/** Ends a command whose change was planned. */
export class PlannedChange extends Error {
  override name = 'PlannedChange';
  readonly plan: Plan;

  constructor(plan: Plan) {
    super('planned');
    this.plan = plan;
  }
}

/** As directory.plan takes it. */
function wantedOf({ name }: AnyOperation, input: Input): Input {
  const { revision, yaml, prune } = input;
  if (name === 'revision.revert') return { revision };
  if (name === 'directory.apply') return { yaml, prune };
  return { operation: name, input: JSON.parse(JSON.stringify(input)) as Input };
}

class RemoteError extends CommandError {
  readonly status: number;

  constructor(message: string, exitCode: 1 | 75, status: number) {
    super(message, exitCode);
    this.status = status;
  }
}

function readToken(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
    if ((statSync(file).mode & 0o077) !== 0) {
      throw new CommandError(
        `--token-file ${file}: others may read it; make it yours alone with: chmod 600 ${file}`,
        2,
      );
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`--token-file ${file} cannot be read: ${(error as Error).message}`, 2);
  }
  if (!/^[A-Za-z0-9._~+/=-]+$/.test(text)) throw new CommandError(`--token-file ${file}: there is no token in it`, 2);
  return text;
}
