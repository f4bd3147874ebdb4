// What the server says it can do (RFC 3501 §6.1.1), depending on whether one may log in yet.

import { knownMechanisms, mayUseMechanism } from './login-mechanisms.ts';
import type { SessionContext } from './session-context.ts';

const always = ['IMAP4rev1', 'LITERAL+', 'SASL-IR', 'ID', 'ENABLE', 'IDLE'];
/** RFC 2342 6154 5258 5819 5161 3691 4315 6851 7162 9208/2087 8438. */
const afterLogin = [
  'NAMESPACE',
  'SPECIAL-USE',
  'CREATE-SPECIAL-USE',
  'LIST-EXTENDED',
  'LIST-STATUS',
  'CHILDREN',
  'UNSELECT',
  'UIDPLUS',
  'MOVE',
  'CONDSTORE',
  'QUOTA',
  'STATUS=SIZE',
];

export function capabilityText(session: SessionContext): string {
  const names = [...always];
  if (session.user !== undefined) {
    names.push(...afterLogin);
    const { messageSizeLimit } = session.server.options;
    if (messageSizeLimit > 0) names.push(`APPENDLIMIT=${messageSizeLimit}`);
    return names.join(' ');
  }
  if (session.canStartTls) names.push('STARTTLS');
  const mechanisms = knownMechanisms(session).filter((one) => mayUseMechanism(session, one));
  names.push(...mechanisms.map(({ name }) => `AUTH=${name}`));
  if (!session.mayUsePassword) names.push('LOGINDISABLED');
  return names.join(' ');
}
