// The one place that decides whether somebody may have an operation done. What is somebody else's answers exactly as what
// is not there: a domain administrator cannot find out which other domains the host has.

import type { DirectoryLookups } from '../directory/lookups.ts';
import { type Access, type AnyOperation, pathFields, scopeOf } from './operation.ts';
import { type Principal, Sight } from './principal.ts';
import { fail, failMissing } from './problem.ts';

type Input = Readonly<Record<string, unknown>>;

/** Throws ProblemError. Returns what the principal may see. */
export function authorize(
  operation: AnyOperation,
  principal: Principal,
  input: Input,
  lookups: DirectoryLookups,
): Sight {
  const sight = new Sight(principal, lookups);
  const access = operation.access as Access<Input>;
  refuseStrangers(operation, principal);
  if (access.who === 'anyone') return sight;
  if (principal.mustChange && !operationsOfNewPassword.has(operation.name)) {
    fail(403, 'change-password', 'this password was made by somebody else: change it first', {
      mend: 'PUT /api/v1/account/password',
    });
  }
  checkToken(operation, principal);
  switch (access.who) {
    case 'known':
      return sight;
    case 'host':
      if (principal.role !== 'host') fail(403, 'not-allowed', 'only an administrator of the host may do that');
      return sight;
    case 'domain':
      if (principal.role === 'user') fail(403, 'not-allowed', 'only an administrator may do that');
      checkDomains(operation, access.domains(input), sight);
      return sight;
    case 'user':
      checkMailbox(operation, access, principal, input, sight);
      return sight;
  }
}

/** What is asked before anything that was sent is read. Throws ProblemError. */
export function refuseStrangers({ access }: Pick<AnyOperation, 'access'>, { role }: Principal): void {
  if (access.who === 'anyone' || role !== 'anonymous') return;
  fail(401, 'log-in', 'log in first, or give a token: Authorization: Bearer TOKEN');
}

/** Somebody whose password must be changed. */
const operationsOfNewPassword = new Set(['account.show', 'account.password', 'session.remove']);

function checkToken(operation: AnyOperation, { scopes }: Principal): void {
  if (scopes === undefined) return;
  if (operation.isPersonal) fail(403, 'no-token', 'this needs a person who has logged in: a token is not enough');
  const scope = scopeOf(operation);
  if (hasScope(scopes, scope)) return;
  fail(403, 'scope', `this token does not have the scope ${scope}`, { mend: 'make one with: posthaste token add' });
}

export function hasScope(scopes: readonly string[], wanted: string): boolean {
  const [area = '', right = ''] = wanted.split(':');
  return scopes.some((scope) => {
    const [ofArea = '', ofRight = ''] = scope.split(':');
    return (ofArea === '*' || ofArea === area) && (scope === '*' || ofRight === '*' || ofRight === right);
  });
}

function checkDomains(operation: AnyOperation, domains: readonly string[], sight: Sight): void {
  if (domains.every((domain) => sight.domain(domain))) return;
  refuseForeign(operation);
}

function checkMailbox(
  operation: AnyOperation,
  access: Extract<Access<Input>, { who: 'user' }>,
  principal: Principal,
  input: Input,
  sight: Sight,
): void {
  const address = access.mailbox(input);
  if (principal.role !== 'user') return checkDomains(operation, [address.slice(address.lastIndexOf('@') + 1)], sight);
  if (!sight.isSelf(address)) refuseForeign(operation);
  const allowed = access.ownFields;
  if (allowed === undefined) return;
  const inPath = pathFields(operation.path);
  const field = Object.keys(input).find((name) => !allowed.includes(name) && !inPath.includes(name));
  if (field !== undefined) fail(403, 'not-allowed', `only an administrator may change "${field}"`, { field });
}

/** The same words for what is foreign and for what is not there at all. */
function refuseForeign(operation: AnyOperation): never {
  if (pathFields(operation.path).length > 0) failMissing();
  fail(403, 'not-yours', 'that names a domain which is not one of yours', {
    mend: 'see your domains with: GET /api/v1/domains',
  });
}
