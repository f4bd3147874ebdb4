// What the test of who may do what asks each operation: for something of one's own domain, something of another domain, and
// something that is not there. An operation without an entry here fails the test.

/** Fields of the input; `ID` stands for a number that is looked up beforehand. */
type Input = Readonly<Record<string, unknown>>;

export interface Asked {
  /** Of own.test, which the domain administrator has; or what is nobody's. */
  readonly own: Input;
  /** Of foreign.test. Absent: the operation names nothing that could be somebody's. */
  readonly foreign?: Input;
  /** The same of a domain that nobody has. */
  readonly missing?: Input;
  /** Of another mailbox of the user's own domain. */
  readonly neighbour?: Input;
}

function each(make: (domain: string) => Input): Asked {
  return { own: make('own.test'), foreign: make('foreign.test'), missing: make('missing.test') };
}

function ofMailbox(make: (address: string) => Input): Asked {
  return {
    ...each((domain) => make(`anna@${domain}`)),
    neighbour: make('ben@own.test'),
  };
}

const nothing: Asked = { own: {} };
const queueIds: Asked = { own: { ids: ['4jWwJ04sK4zpbG2'] } };

export const matrix: Readonly<Record<string, Asked>> = {
  'session.add': { own: { login: 'nobody', password: 'wrong' } },
  'session.remove': nothing,
  'session.passkey-options': nothing,
  'session.passkey': { own: { response: { id: 'unknown' } } },
  'account.show': nothing,
  'account.password': { own: { current: 'wrong', password: 'new' } },
  'account.sessions': nothing,
  'account.session-remove': { own: { id: 'none' } },
  'account.second-factors': nothing,
  'account.totp-start': nothing,
  'account.totp-confirm': { own: { code: '000000' } },
  'account.totp-remove': { own: { password: 'wrong', code: '000000' } },
  'account.passkey-options': nothing,
  'account.passkey-add': { own: { name: 'x', response: { id: 'x' } } },
  'account.passkey-remove': { own: { id: 1 } },
  'setup.add': { own: { token: 'wrong', login: 'x', password: 'y' } },
  'domain.list': nothing,
  'domain.add': each((name) => ({ name })),
  'domain.show': each((name) => ({ name })),
  'domain.set': each((name) => ({ name, active: true })),
  'domain.remove': each((name) => ({ name })),
  'alias-domain.list': nothing,
  'alias-domain.add': each((domain) => ({ name: `alias-${domain}`, target: domain })),
  'alias-domain.show': each((domain) => ({ name: `alias-${domain}` })),
  'alias-domain.set': each((domain) => ({ name: `alias-${domain}`, active: true })),
  'alias-domain.remove': each((domain) => ({ name: `alias-${domain}` })),
  'mailbox.list': each((domain) => ({ domain })),
  'mailbox.add': each((domain) => ({ address: `anna@${domain}`, passwordHash: '{PLAIN}x' })),
  'mailbox.show': ofMailbox((address) => ({ address })),
  'mailbox.set': ofMailbox((address) => ({ address, name: 'Anna' })),
  'mailbox.remove': each((domain) => ({ address: `anna@${domain}` })),
  'mailbox.restore': each((domain) => ({ address: `anna@${domain}` })),
  'mailbox.second-factors-remove': each((domain) => ({ address: `anna@${domain}` })),
  'app-password.list': ofMailbox((mailbox) => ({ mailbox })),
  'app-password.list-all': nothing,
  'app-password.add': ofMailbox((mailbox) => ({ mailbox, name: 'telephone' })),
  'app-password.show': ofMailbox((mailbox) => ({ mailbox, name: 'telephone' })),
  'app-password.set': ofMailbox((mailbox) => ({ mailbox, name: 'telephone', newName: 'telephone' })),
  'app-password.remove': ofMailbox((mailbox) => ({ mailbox, name: 'none' })),
  'alias.list': each((domain) => ({ domain })),
  'alias.add': each((domain) => ({ address: `sales@${domain}`, targets: [`anna@${domain}`] })),
  'alias.show': each((domain) => ({ address: `sales@${domain}` })),
  'alias.set': each((domain) => ({ address: `sales@${domain}`, targets: [`anna@${domain}`] })),
  'alias.edit': each((domain) => ({ address: `sales@${domain}`, add: [`anna@${domain}`] })),
  'alias.remove': each((domain) => ({ address: `sales@${domain}` })),
  'list.list': each((domain) => ({ domain })),
  'list.add': each((domain) => ({ address: `team@${domain}`, owners: [`anna@${domain}`] })),
  'list.show': each((domain) => ({ address: `team@${domain}` })),
  'list.set': each((domain) => ({ address: `team@${domain}`, name: 'Team' })),
  'list.remove': each((domain) => ({ address: `team@${domain}` })),
  'list.members': each((domain) => ({ address: `team@${domain}` })),
  'list.members-add': each((domain) => ({ address: `team@${domain}`, members: [`anna@${domain}`] })),
  'list.members-remove': each((domain) => ({ address: `team@${domain}`, members: [`nobody@${domain}`] })),
  'sender-login.list': each((domain) => ({ address: `anna@${domain}` })),
  'sender-login.add': each((domain) => ({ address: `sales@${domain}`, login: `anna@${domain}` })),
  'sender-login.show': each((domain) => ({ address: `sales@${domain}` })),
  'sender-login.set': each((domain) => ({ address: `sales@${domain}`, login: `anna@${domain}`, allowed: true })),
  'sender-login.remove': each((domain) => ({ address: `none@${domain}`, login: `anna@${domain}` })),
  'admin.list': nothing,
  'admin.add': { own: { login: 'dora', noPassword: true } },
  'admin.show': { own: { login: 'dora' } },
  'admin.set': { own: { login: 'dora', name: 'Dora' } },
  'admin.remove': { own: { login: 'nobody' } },
  'admin.second-factors-remove': { own: { login: 'dora' } },
  'tag.show': each((name) => ({ kind: 'domain', name })),
  'tag.change': each((name) => ({ kind: 'domain', name, add: ['gold'] })),
  'mailbox.references': each((domain) => ({ address: `anna@${domain}` })),
  'token.list': nothing,
  'token.add': { own: { name: 'present', scopes: ['tag:read'] } },
  'token.remove': { own: { id: 99_999 }, foreign: { id: 1 }, missing: { id: 99_998 } },
  'status.show': nothing,
  'accounting.acknowledge': nothing,
  'certificate.list': nothing,
  'certificate.renew': { own: { host: 'mail.host.test' } },
  'quota.list': each((domain) => ({ domain })),
  'quota.show': ofMailbox((address) => ({ address })),
  'quota.recalculate': each((domain) => ({ address: `anna@${domain}` })),
  'explain.show': each((domain) => ({ address: [`anna@${domain}`] })),
  'queue.list': nothing,
  'queue.show': { own: { id: '4jWwJ04sK4zpbG2' } },
  'queue.remove': queueIds,
  'queue.hold': queueIds,
  'queue.release': queueIds,
  'queue.requeue': queueIds,
  'queue.expire': queueIds,
  'queue.flush': queueIds,
  'queue.flush-all': nothing,
  'lockout.list': nothing,
  'lockout.remove': each((domain) => ({ subject: `anna@${domain}` })),
  'alarm.list': nothing,
  'alarm.remove': each((domain) => ({ login: `anna@${domain}` })),
  'history.list': each((domain) => ({ object: `anna@${domain}` })),
  'revision.list': nothing,
  'revision.show': { own: { revision: 1 } },
  'revision.revert': { own: { revision: 99_999 } },
  'directory.dump': nothing,
  'directory.apply': { own: { yaml: 'domains:\n  own.test:\n    unheard: of\n' } },
  'directory.plan': { own: { operation: 'domain.set', input: { name: 'own.test', active: true } } },
  'webhook.list': nothing,
  'webhook.add': { own: { name: 'none', url: 'ftp://nowhere' } },
  'webhook.show': { own: { name: 'own' }, foreign: { name: 'foreign' }, missing: { name: 'missing' } },
  'webhook.set': { own: { name: 'own' }, foreign: { name: 'foreign' }, missing: { name: 'missing' } },
  'webhook.remove': { own: { name: 'own' }, foreign: { name: 'foreign' }, missing: { name: 'missing' } },
  'trace.list': each((domain) => ({ text: `anna@${domain}` })),
};
