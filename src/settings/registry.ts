// All parameters that are known: Postfix 3.7's, declared by area in parameters/, and our own posthaste_*.
// The names and kinds are types as well, so that a misspelt name or a wrong accessor does not compile.

import { addressParameters } from './parameters/address.ts';
import { cleanupParameters } from './parameters/cleanup.ts';
import type { Parameter } from './parameters/declare.ts';
import { lmtpParameters } from './parameters/lmtp.ts';
import { localParameters } from './parameters/local.ts';
import { milterParameters } from './parameters/milter.ts';
import { posthasteParameters } from './parameters/posthaste.ts';
import { postscreenParameters } from './parameters/postscreen.ts';
import { queueParameters } from './parameters/queue.ts';
import { smtpParameters } from './parameters/smtp.ts';
import { smtpdParameters } from './parameters/smtpd.ts';
import { systemParameters } from './parameters/system.ts';
import { tlsParameters } from './parameters/tls.ts';
import { verifyParameters } from './parameters/verify.ts';
import { virtualParameters } from './parameters/virtual.ts';
import { transportDefault } from './transport-parameters.ts';

const areas = {
  'Our own': posthasteParameters,
  'Addresses and routing': addressParameters,
  'SMTP server': smtpdParameters,
  'Virtual delivery': virtualParameters,
  'Local delivery': localParameters,
  'SMTP client': smtpParameters,
  'LMTP client': lmtpParameters,
  TLS: tlsParameters,
  Queue: queueParameters,
  'Message content': cleanupParameters,
  'Address verification': verifyParameters,
  Milters: milterParameters,
  Postscreen: postscreenParameters,
  'Processes, files and log': systemParameters,
} as const satisfies Record<string, Readonly<Record<string, Parameter>>>;

type Merge<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;
type Declared = Merge<(typeof areas)[keyof typeof areas]>;

export type ParameterName = keyof Declared;

/** The names of one kind: what an accessor of Settings takes. */
export type ParametersOfKind<Kind extends Parameter['kind']> = {
  [Name in ParameterName]: Declared[Name] extends { readonly kind: Kind } ? Name : never;
}[ParameterName];

const byName: ReadonlyMap<string, Parameter> = new Map(Object.values(areas).flatMap((area) => Object.entries(area)));

/** A declared parameter, or one that some transport has through its `default_...`. */
export function findParameter(name: string): Parameter | undefined {
  const declared = byName.get(name);
  if (declared !== undefined) return declared;
  const fallback = transportDefault(name);
  const model = fallback === undefined ? undefined : byName.get(fallback.slice(1));
  return model === undefined || fallback === undefined ? undefined : { ...model, default: fallback };
}

/** Declared by name, not through a transport. */
export function isDeclared(name: string): name is ParameterName {
  return byName.has(name);
}

export function parameterNames(): string[] {
  return [...byName.keys()];
}

/** Areas in the order of the documentation. */
export function parameterAreas(): [string, Readonly<Record<string, Parameter>>][] {
  return Object.entries(areas);
}
