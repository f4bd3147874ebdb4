// The one way to the server: the operations of its API, by name, with the login's cookie. What goes wrong is a Problem (RFC
// 9457) that says what to do; no answer at all is one too.

import { type UseQueryOptions, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { type Operations, places } from './api-operations.ts';

export type OperationName = keyof Operations;
export type Input<Name extends OperationName> = Operations[Name]['input'];
export type Output<Name extends OperationName> = Operations[Name]['output'];
/** Those that give pages of rows. */
export type ListName = {
  [Name in OperationName]: Output<Name> extends { readonly items: readonly unknown[] } ? Name : never;
}[OperationName];
export type Row<Name extends ListName> =
  Output<Name> extends { readonly items: readonly (infer Item)[] } ? Item : never;

export class Problem extends Error {
  /** 0: the server was not reached. */
  readonly status: number;
  /** The word that programs rely on: the end of the problem's type. */
  readonly kind: string;
  readonly detail: string;
  /** The input's field that is at fault, where there is one. */
  readonly field: string | undefined;
  /** What to do about it. */
  readonly mend: string | undefined;
  /** When it may be tried again. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, given: ProblemBody, retryAfterSeconds?: number) {
    super(given.title ?? String(status));
    this.status = status;
    this.kind = given.type?.split(':').at(-1) ?? '';
    this.detail = given.detail ?? '';
    this.field = given.field;
    this.mend = given.mend;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** What a person reads. */
  get text(): string {
    return this.detail || this.message;
  }
}

interface ProblemBody {
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly field?: string;
  readonly mend?: string;
}

export interface CallOptions {
  /** The state that a change was made from: it is refused (412) when somebody else has changed it since. */
  readonly etag?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer<T> {
  readonly value: T;
  readonly etag: string | undefined;
  /** What a change made of the directory, as revision.revert has it; undefined: nothing. */
  readonly revision: string | undefined;
}

/** Throws Problem; an AbortError where `signal` ended it. */
export async function call<Name extends OperationName>(
  name: Name,
  input: Input<Name>,
  options: CallOptions = {},
): Promise<Output<Name>> {
  return (await callWithTag(name, input, options)).value;
}

/** Also with the tag of what is shown, for a change that must not overwrite somebody else's. */
export async function callWithTag<Name extends OperationName>(
  name: Name,
  input: Input<Name>,
  { etag, signal }: CallOptions = {},
): Promise<Answer<Output<Name>>> {
  const { method, url, rest } = placeOf(name, input as Readonly<Record<string, unknown>>);
  const isInQuery = method === 'GET' || method === 'DELETE';
  const hasBody = !isInQuery && Object.keys(rest).length > 0;
  const headers: Record<string, string> = { accept: 'application/json' };
  if (hasBody) headers['content-type'] = 'application/json';
  if (etag !== undefined) headers['if-match'] = etag;
  let response: Response;
  try {
    response = await fetch(`/api/v1${url}${isInQuery ? queryOf(rest) : ''}`, {
      method,
      headers,
      credentials: 'same-origin',
      ...(hasBody ? { body: JSON.stringify(rest) } : {}),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, { title: 'The server does not answer' });
  }
  if (!response.ok) throw noticed(await problemOf(response));
  const value: unknown = response.status === 204 ? undefined : await response.json();
  const of = (header: string) => response.headers.get(header) ?? undefined;
  return { value: value as Output<Name>, etag: of('etag'), revision: of('posthaste-revision') };
}

export function keyOf<Name extends OperationName>(name: Name, input: Input<Name>) {
  return [name, input] as const;
}

type QueryOptions<T> = Omit<UseQueryOptions<T, Problem>, 'queryKey' | 'queryFn'>;

/** What an operation that reads gives, kept while it is shown. */
export function useCall<Name extends OperationName>(
  name: Name,
  input: Input<Name>,
  options: QueryOptions<Output<Name>> = {},
): UseQueryResult<Output<Name>, Problem> {
  return useQuery<Output<Name>, Problem>({
    ...options,
    queryKey: keyOf(name, input),
    queryFn: ({ signal }) => call(name, input, { signal }),
  });
}

/** Its path with the fields that stand there, and what is left of the input. */
function placeOf(name: OperationName, input: Readonly<Record<string, unknown>>) {
  const [method = 'GET', path = ''] = places[name].split(' ');
  const rest: Record<string, unknown> = { ...input };
  const url = path.replaceAll(/\{(\w+)\}/g, (_, field: string) => {
    delete rest[field];
    return encodeURIComponent(String(input[field]));
  });
  for (const [field, value] of Object.entries(rest)) if (value === undefined) delete rest[field];
  return { method, url, rest };
}

function queryOf(input: Readonly<Record<string, unknown>>): string {
  const parameters = new URLSearchParams();
  for (const [field, value] of Object.entries(input)) {
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(field, String(one));
  }
  return parameters.size === 0 ? '' : `?${parameters}`;
}

async function problemOf(response: Response): Promise<Problem> {
  const given: unknown = await response.json().catch(() => undefined);
  const isProblem = typeof given === 'object' && given !== null;
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new Problem(
    response.status,
    isProblem ? given : { title: `${response.status} ${response.statusText}` },
    Number.isNaN(retryAfter) ? undefined : retryAfter,
  );
}

const endings = new EventTarget();

/** Told when the server says that nobody is logged in (any more). Returns how to be told no longer. */
export function onSessionEnded(listener: () => void): () => void {
  endings.addEventListener('ended', listener);
  return () => endings.removeEventListener('ended', listener);
}

function noticed(problem: Problem): Problem {
  if (problem.status === 401 && problem.kind === 'log-in') endings.dispatchEvent(new Event('ended'));
  return problem;
}
