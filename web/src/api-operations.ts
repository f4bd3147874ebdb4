// Made by scripts/generate-api-client.ts from the operations of src/admin: change those.
// data table

export interface Operations {
  /** Add a rule: what is done with what a pattern names. */
  "access.add": {
    input: { readonly stage: "client" | "helo" | "sender" | "recipient"; readonly pattern: string; readonly action: string; readonly note?: string };
    output: { readonly stage: "client" | "helo" | "sender" | "recipient"; readonly pattern: string; readonly action: string; readonly note?: string; readonly created: number };
  };
  /** List the rules about clients, names, senders and recipients. */
  "access.list": {
    input: { readonly after?: string; readonly limit?: number; readonly domain?: string; readonly stage?: "client" | "helo" | "sender" | "recipient" };
    output: { readonly items: readonly ({ readonly stage: "client" | "helo" | "sender" | "recipient"; readonly pattern: string; readonly action: string; readonly note?: string; readonly created: number })[]; readonly next?: string };
  };
  /** Remove a rule. */
  "access.remove": {
    input: { readonly stage: "client" | "helo" | "sender" | "recipient"; readonly pattern: string };
    output: { readonly removed: true };
  };
  /** Change what a rule does, or its note. */
  "access.set": {
    input: { readonly stage: "client" | "helo" | "sender" | "recipient"; readonly pattern: string; readonly action?: string; readonly note?: string };
    output: { readonly stage: "client" | "helo" | "sender" | "recipient"; readonly pattern: string; readonly action: string; readonly note?: string; readonly created: number };
  };
  /** Show a rule. */
  "access.show": {
    input: { readonly stage: "client" | "helo" | "sender" | "recipient"; readonly pattern: string };
    output: { readonly stage: "client" | "helo" | "sender" | "recipient"; readonly pattern: string; readonly action: string; readonly note?: string; readonly created: number };
  };
  /** List one's last logins, the newest first: one for each way and address. */
  "account.logins": {
    input: Readonly<Record<string, never>>;
    output: { readonly items: readonly ({ readonly outcome: "in" | "failed"; readonly protocol: string; readonly address: string; readonly since: number; readonly time: number })[] };
  };
  /** Add the passkey that the browser has made. */
  "account.passkey-add": {
    input: { readonly name: string; readonly response: { readonly id: string } };
    output: { readonly id: number; readonly name: string; readonly created: number; readonly used?: number };
  };
  /** Begin to add a passkey: gives what the browser is to be asked. */
  "account.passkey-options": {
    input: Readonly<Record<string, never>>;
    output: { readonly challenge: string };
  };
  /** Remove a passkey. */
  "account.passkey-remove": {
    input: { readonly id: number };
    output: { readonly removed: true };
  };
  /** Change one's own password; all other sessions end. Tokens, passkeys and app passwords go on; how many is said. */
  "account.password": {
    input: { readonly current: string; readonly password: string };
    output: { readonly changed: true; readonly tokens: number; readonly passkeys: number; readonly appPasswords: number };
  };
  /** Change a mailbox's password with the one so far, also by a form: for webmail. All its sessions end. */
  "account.password-by-login": {
    input: { readonly user: string; readonly curpass: string; readonly newpass: string; readonly code?: string };
    output: { readonly changed: true };
  };
  /** Show where a link to a new password goes when it is forgotten. */
  "account.recovery": {
    input: Readonly<Record<string, never>>;
    output: { readonly isPossible: boolean; readonly address?: string; readonly started?: { readonly address: string; readonly expires: number } };
  };
  /** Confirm the recovery address by the code that was mailed to it. */
  "account.recovery-confirm": {
    input: { readonly code: string };
    output: { readonly address: string };
  };
  /** Have no recovery address any more. */
  "account.recovery-remove": {
    input: { readonly password: string };
    output: { readonly removed: true };
  };
  /** Name a recovery address: a code is mailed to it. */
  "account.recovery-start": {
    input: { readonly address: string; readonly password: string };
    output: { readonly address: string; readonly expires: number };
  };
  /** Show one's second factors. */
  "account.second-factors": {
    input: Readonly<Record<string, never>>;
    output: { readonly totp: boolean; readonly passkeys: readonly { readonly id: number; readonly name: string; readonly created: number; readonly used?: number }[] };
  };
  /** End one of one's sessions. */
  "account.session-remove": {
    input: { readonly id: string };
    output: { readonly removed: true };
  };
  /** List one's sessions. */
  "account.sessions": {
    input: Readonly<Record<string, never>>;
    output: { readonly items: readonly { readonly id: string; readonly isThis: boolean; readonly created: number; readonly expires: number; readonly seen: number; readonly address: string; readonly program: string }[] };
  };
  /** End all of one's sessions but this one. */
  "account.sessions-remove": {
    input: Readonly<Record<string, never>>;
    output: { readonly removed: true };
  };
  /** Say who is asking, and what he may do. */
  "account.show": {
    input: Readonly<Record<string, never>>;
    output: { readonly login: string; readonly role: "user" | "domain" | "host"; readonly domains?: readonly string[]; readonly mustChange: boolean; readonly scopes?: readonly string[] };
  };
  /** Show that the app works: its codes are asked for from now on. Gives recovery codes, once. */
  "account.totp-confirm": {
    input: { readonly code: string };
    output: { readonly recoveryCodes: readonly string[] };
  };
  /** Ask for codes of the app no more. */
  "account.totp-remove": {
    input: { readonly password: string; readonly code: string };
    output: { readonly removed: true };
  };
  /** Begin to use codes of an app: gives what the app has to know. */
  "account.totp-start": {
    input: Readonly<Record<string, never>>;
    output: { readonly secret: string; readonly uri: string };
  };
  /** Book a mismatch between the books and the queue as unexplained. */
  "accounting.acknowledge": {
    input: Readonly<Record<string, never>>;
    output: { readonly acknowledged: number };
  };
  /** Add an administrator. Without a password one is made, which must be changed at the first login. */
  "admin.add": {
    input: { readonly login: string; readonly name?: string; readonly role?: "host" | "domain"; readonly domains?: readonly string[]; readonly password?: string; readonly mustChange?: boolean; readonly passwordHash?: string; readonly noPassword?: boolean };
    output: { readonly login: string; readonly name: string; readonly role: "host" | "domain"; readonly domains: readonly string[]; readonly active: boolean; readonly hasPassword: boolean; readonly mustChange: boolean; readonly created: number; readonly password?: string };
  };
  /** List the administrators. */
  "admin.list": {
    input: { readonly after?: string; readonly limit?: number };
    output: { readonly items: readonly ({ readonly login: string; readonly name: string; readonly role: "host" | "domain"; readonly domains: readonly string[]; readonly active: boolean; readonly hasPassword: boolean; readonly mustChange: boolean; readonly created: number; readonly lastLogin?: { readonly time: number; readonly address: string }; readonly totp: boolean; readonly passkeys: number })[]; readonly next?: string };
  };
  /** Make a new password for an administrator, to be changed at the next login; all sessions, tokens and passkeys end. */
  "admin.password": {
    input: { readonly login: string };
    output: { readonly login: string; readonly password: string; readonly tokensRemoved: number; readonly passkeysRemoved: number };
  };
  /** Remove an administrator, with tokens and sessions. */
  "admin.remove": {
    input: { readonly login: string };
    output: { readonly removed: true };
  };
  /** Remove the second factors of an administrator who has lost them. */
  "admin.second-factors-remove": {
    input: { readonly login: string };
    output: { readonly removed: true };
  };
  /** List an administrator's sessions in browsers. */
  "admin.sessions": {
    input: { readonly login: string };
    output: { readonly items: readonly { readonly created: number; readonly expires: number; readonly seen: number; readonly address: string; readonly program: string }[] };
  };
  /** End all sessions of an administrator in browsers. Tokens go on; how many is said. */
  "admin.sessions-remove": {
    input: { readonly login: string };
    output: { readonly removed: true; readonly tokens: number };
  };
  /** Change an administrator; domains replace what was there. A new password ends sessions, tokens and passkeys. */
  "admin.set": {
    input: { readonly login: string; readonly name?: string; readonly role?: "host" | "domain"; readonly domains?: readonly string[]; readonly active?: boolean; readonly password?: string; readonly passwordHash?: string; readonly mustChange?: boolean };
    output: { readonly login: string; readonly name: string; readonly role: "host" | "domain"; readonly domains: readonly string[]; readonly active: boolean; readonly hasPassword: boolean; readonly mustChange: boolean; readonly created: number };
  };
  /** Show an administrator. */
  "admin.show": {
    input: { readonly login: string };
    output: { readonly login: string; readonly name: string; readonly role: "host" | "domain"; readonly domains: readonly string[]; readonly active: boolean; readonly hasPassword: boolean; readonly mustChange: boolean; readonly created: number };
  };
  /** List users who send as they never do. */
  "alarm.list": {
    input: Readonly<Record<string, never>>;
    output: { readonly items: readonly ({ readonly login: string; readonly kind: "recipients" | "rejected" | "networks"; readonly text: string; readonly since: number })[] };
  };
  /** End the alarms about a user. */
  "alarm.remove": {
    input: { readonly login: string };
    output: { readonly items: readonly ({ readonly login: string; readonly kind: "recipients" | "rejected" | "networks"; readonly text: string; readonly since: number })[] };
  };
  /** Let every address of a name mean the same address of a domain. */
  "alias-domain.add": {
    input: { readonly name: string; readonly target: string };
    output: { readonly name: string; readonly target: string; readonly active: boolean; readonly created: number };
  };
  /** List the alias domains. */
  "alias-domain.list": {
    input: { readonly after?: string; readonly limit?: number };
    output: { readonly items: readonly { readonly name: string; readonly target: string; readonly active: boolean; readonly created: number }[]; readonly next?: string };
  };
  /** Host an alias domain no more. */
  "alias-domain.remove": {
    input: { readonly name: string };
    output: { readonly removed: true };
  };
  /** Change what an alias domain stands for, or whether its mail is taken. */
  "alias-domain.set": {
    input: { readonly name: string; readonly target?: string; readonly active?: boolean };
    output: { readonly name: string; readonly target: string; readonly active: boolean; readonly created: number };
  };
  /** Show an alias domain. */
  "alias-domain.show": {
    input: { readonly name: string };
    output: { readonly name: string; readonly target: string; readonly active: boolean; readonly created: number };
  };
  /** Add an alias, or with @domain a catch-all. */
  "alias.add": {
    input: { readonly address: string; readonly targets: readonly string[]; readonly active?: boolean; readonly post?: "anyone" | "members" | "domain" | "listed"; readonly posters?: readonly string[] };
    output: { readonly address: string; readonly targets: readonly string[]; readonly active?: boolean; readonly post?: "anyone" | "members" | "domain" | "listed"; readonly posters?: readonly string[]; readonly created: number; readonly unknownTargets: readonly string[] };
  };
  /** Add targets to an alias, and take others away. */
  "alias.edit": {
    input: { readonly address: string; readonly add?: readonly string[]; readonly remove?: readonly string[]; readonly active?: boolean; readonly post?: "anyone" | "members" | "domain" | "listed"; readonly posters?: readonly string[] };
    output: { readonly address: string; readonly targets: readonly string[]; readonly active?: boolean; readonly post?: "anyone" | "members" | "domain" | "listed"; readonly posters?: readonly string[]; readonly created: number; readonly unknownTargets: readonly string[] };
  };
  /** List the aliases. */
  "alias.list": {
    input: { readonly after?: string; readonly limit?: number; readonly domain?: string; readonly search?: string };
    output: { readonly items: readonly ({ readonly address: string; readonly targets: readonly string[]; readonly active?: boolean; readonly post?: "anyone" | "members" | "domain" | "listed"; readonly posters?: readonly string[]; readonly created: number; readonly unknownTargets: readonly string[] })[]; readonly next?: string };
  };
  /** Remove an alias. */
  "alias.remove": {
    input: { readonly address: string };
    output: { readonly removed: true };
  };
  /** Bring back the alias that was removed last under this address. */
  "alias.restore": {
    input: { readonly address: string };
    output: { readonly address: string; readonly targets: readonly string[]; readonly active?: boolean; readonly post?: "anyone" | "members" | "domain" | "listed"; readonly posters?: readonly string[]; readonly created: number; readonly unknownTargets: readonly string[] };
  };
  /** Replace the targets of an alias. */
  "alias.set": {
    input: { readonly address: string; readonly targets: readonly string[]; readonly active?: boolean; readonly post?: "anyone" | "members" | "domain" | "listed"; readonly posters?: readonly string[] };
    output: { readonly address: string; readonly targets: readonly string[]; readonly active?: boolean; readonly post?: "anyone" | "members" | "domain" | "listed"; readonly posters?: readonly string[]; readonly created: number; readonly unknownTargets: readonly string[] };
  };
  /** Show an alias. */
  "alias.show": {
    input: { readonly address: string };
    output: { readonly address: string; readonly targets: readonly string[]; readonly active?: boolean; readonly post?: "anyone" | "members" | "domain" | "listed"; readonly posters?: readonly string[]; readonly created: number; readonly unknownTargets: readonly string[] };
  };
  /** Add an app password; it is made and given once. */
  "app-password.add": {
    input: { readonly mailbox: string; readonly name: string; readonly protocols?: readonly string[]; readonly senders?: readonly string[]; readonly expires?: number };
    output: { readonly id?: number; readonly mailbox: string; readonly name: string; readonly protocols: readonly string[]; readonly senders: readonly string[]; readonly expires?: number; readonly recoverable: boolean; readonly created: number; readonly used?: { readonly time: number; readonly protocol: string; readonly address: string }; readonly password: string };
  };
  /** List the app passwords of a mailbox. */
  "app-password.list": {
    input: { readonly mailbox: string };
    output: { readonly items: readonly { readonly id?: number; readonly mailbox: string; readonly name: string; readonly protocols: readonly string[]; readonly senders: readonly string[]; readonly expires?: number; readonly recoverable: boolean; readonly created: number; readonly used?: { readonly time: number; readonly protocol: string; readonly address: string } }[] };
  };
  /** List the app passwords of all mailboxes. */
  "app-password.list-all": {
    input: { readonly after?: string; readonly limit?: number };
    output: { readonly items: readonly { readonly id?: number; readonly mailbox: string; readonly name: string; readonly protocols: readonly string[]; readonly senders: readonly string[]; readonly expires?: number; readonly recoverable: boolean; readonly created: number; readonly used?: { readonly time: number; readonly protocol: string; readonly address: string } }[]; readonly next?: string };
  };
  /** Remove an app password: it opens nothing from now on. */
  "app-password.remove": {
    input: { readonly mailbox: string; readonly name: string };
    output: { readonly removed: true };
  };
  /** Change an app password's name or limits. */
  "app-password.set": {
    input: { readonly mailbox: string; readonly name: string; readonly newName?: string; readonly protocols?: readonly string[]; readonly senders?: readonly string[]; readonly expires?: number };
    output: { readonly id?: number; readonly mailbox: string; readonly name: string; readonly protocols: readonly string[]; readonly senders: readonly string[]; readonly expires?: number; readonly recoverable: boolean; readonly created: number; readonly used?: { readonly time: number; readonly protocol: string; readonly address: string } };
  };
  /** Show an app password: its limits and its last use. */
  "app-password.show": {
    input: { readonly mailbox: string; readonly name: string };
    output: { readonly id?: number; readonly mailbox: string; readonly name: string; readonly protocols: readonly string[]; readonly senders: readonly string[]; readonly expires?: number; readonly recoverable: boolean; readonly created: number; readonly used?: { readonly time: number; readonly protocol: string; readonly address: string } };
  };
  /** Send a copy of what an address or a domain sends or gets. */
  "bcc.add": {
    input: { readonly side: "sender" | "recipient"; readonly place: string; readonly address: string };
    output: { readonly side: "sender" | "recipient"; readonly place: string; readonly address: string; readonly created: number };
  };
  /** List who gets copies of whose mail. */
  "bcc.list": {
    input: { readonly after?: string; readonly limit?: number; readonly domain?: string; readonly side?: "sender" | "recipient" };
    output: { readonly items: readonly ({ readonly side: "sender" | "recipient"; readonly place: string; readonly address: string; readonly created: number })[]; readonly next?: string };
  };
  /** Send no copy any more. */
  "bcc.remove": {
    input: { readonly side: "sender" | "recipient"; readonly place: string };
    output: { readonly removed: true };
  };
  /** Send the copy to somebody else. */
  "bcc.set": {
    input: { readonly side: "sender" | "recipient"; readonly place: string; readonly address: string };
    output: { readonly side: "sender" | "recipient"; readonly place: string; readonly address: string; readonly created: number };
  };
  /** Show who gets a copy. */
  "bcc.show": {
    input: { readonly side: "sender" | "recipient"; readonly place: string };
    output: { readonly side: "sender" | "recipient"; readonly place: string; readonly address: string; readonly created: number };
  };
  /** Take mail for names that nobody has. */
  "catch-all.accept": {
    input: { readonly addresses: readonly string[] };
    output: { readonly items: readonly ({ readonly address: string; readonly state: "proposed" | "accepted" | "refused"; readonly sender: string; readonly messages: number; readonly firstSeen: number; readonly lastSeen: number })[] };
  };
  /** As if names had never been seen or decided on. */
  "catch-all.forget": {
    input: { readonly addresses: readonly string[] };
    output: { readonly removed: true };
  };
  /** List the names that a catch-all has seen, or that were decided on. */
  "catch-all.list": {
    input: { readonly after?: string; readonly limit?: number; readonly domain?: string; readonly state?: "proposed" | "accepted" | "refused" };
    output: { readonly items: readonly ({ readonly address: string; readonly state: "proposed" | "accepted" | "refused"; readonly sender: string; readonly messages: number; readonly firstSeen: number; readonly lastSeen: number })[]; readonly next?: string };
  };
  /** Refuse mail for names that nobody has: they are unknown users from then on. */
  "catch-all.refuse": {
    input: { readonly addresses: readonly string[] };
    output: { readonly items: readonly ({ readonly address: string; readonly state: "proposed" | "accepted" | "refused"; readonly sender: string; readonly messages: number; readonly firstSeen: number; readonly lastSeen: number })[] };
  };
  /** Say what a catch-all does with names that nobody has decided on. */
  "catch-all.set": {
    input: { readonly domain: string; readonly mode: "accept" | "propose" | "refuse" };
    output: { readonly domain: string; readonly mode: "accept" | "propose" | "refuse"; readonly targets: readonly string[]; readonly proposed: number; readonly accepted: number; readonly refused: number };
  };
  /** Show a domain's catch-all, its mode, and how many names are decided on. */
  "catch-all.show": {
    input: { readonly domain: string };
    output: { readonly domain: string; readonly mode: "accept" | "propose" | "refuse"; readonly targets: readonly string[]; readonly proposed: number; readonly accepted: number; readonly refused: number };
  };
  /** List the certificates of the server, with the time until which they are valid. */
  "certificate.list": {
    input: Readonly<Record<string, never>>;
    output: { readonly items: readonly ({ readonly names: readonly string[]; readonly file: string; readonly source: "file" | "self-signed" | "acme"; readonly issuer: string | null; readonly validUntil: number | null; readonly renewAt: number | null; readonly problem: string | null; readonly nextAttemptAt: number | null })[] };
  };
  /** Get a new certificate for a host of posthaste_acme_hosts now. */
  "certificate.renew": {
    input: { readonly host: string };
    output: { readonly host: string };
  };
  /** Make the directory what a text says, whole or not at all. */
  "directory.apply": {
    input: { readonly yaml: string; readonly prune?: boolean };
    output: { readonly added: number; readonly changed: number; readonly removed: number; readonly same: number; readonly withoutPassword: readonly string[] };
  };
  /** Give the directory as YAML, without passwords. */
  "directory.dump": {
    input: { readonly domain?: string };
    output: { readonly yaml: string };
  };
  /** Say what a change would do to mail, without making it: an operation, a revert, or a text for apply. */
  "directory.plan": {
    input: { readonly operation?: string; readonly input?: Readonly<Record<string, unknown>>; readonly revision?: number | string; readonly yaml?: string; readonly prune?: boolean; readonly limit?: number };
    output: { readonly objects: readonly { readonly event?: number; readonly action: string; readonly object: string; readonly before: unknown; readonly after: unknown; readonly differences: readonly { readonly field: string; readonly before?: unknown; readonly after?: unknown }[] }[]; readonly objectCount: number; readonly changes: readonly ({ readonly subject: { readonly kind: "address" | "extensions" | "others" | "subdomains" | "anywhere"; readonly address?: string; readonly of?: string; readonly domain?: string; readonly probe?: string }; readonly before: { readonly class: string; readonly reply: { readonly code: number; readonly status: string; readonly text: string }; readonly deliveries: readonly ({ readonly recipient: string; readonly transport: string; readonly nexthop: string; readonly mailbox?: { readonly id?: number; readonly address: string }; readonly bounces?: "no-mailbox" | "disabled"; readonly leaves?: true })[] }; readonly after: { readonly class: string; readonly reply: { readonly code: number; readonly status: string; readonly text: string }; readonly deliveries: readonly ({ readonly recipient: string; readonly transport: string; readonly nexthop: string; readonly mailbox?: { readonly id?: number; readonly address: string }; readonly bounces?: "no-mailbox" | "disabled"; readonly leaves?: true })[] }; readonly withExtensions: boolean })[]; readonly changeCount: number; readonly unchanged: number; readonly flags: readonly ({ readonly kind: "leaves-host" | "mailbox-unreachable" | "catch-all-widened" | "refused" | "bounces" | "deferred" | "loop" | "open-relay"; readonly subject: string; readonly text: string })[]; readonly flagCounts: Readonly<Record<string, number>>; readonly sending: readonly { readonly address: string; readonly gained: readonly string[]; readonly lost: readonly string[] }[]; readonly members: readonly { readonly list: string; readonly joined: readonly string[]; readonly left: readonly string[] }[]; readonly messages?: { readonly since: number; readonly seen: number; readonly elsewhere: number; readonly refused: number; readonly deferred: number; readonly taken: number; readonly most: readonly ({ readonly address: string; readonly messages: number; readonly effect: "elsewhere" | "refused" | "deferred" | "taken" })[]; readonly isCut: boolean }; readonly notes: readonly string[] };
  };
  /** Host a domain. */
  "domain.add": {
    input: { readonly name: string; readonly class?: "mailbox" | "alias" | "relay"; readonly active?: boolean; readonly transport?: string; readonly maxMailboxes?: number; readonly maxAliases?: number; readonly totalQuotaBytes?: number; readonly defaultQuotaBytes?: number; readonly maxQuotaBytes?: number; readonly catchAllMode?: "accept" | "propose" | "refuse"; readonly recipients?: "all" | "listed"; readonly unknownTo?: string };
    output: { readonly maxMailboxes?: number; readonly maxAliases?: number; readonly totalQuotaBytes?: number; readonly defaultQuotaBytes?: number; readonly maxQuotaBytes?: number; readonly catchAllMode: "accept" | "propose" | "refuse"; readonly recipients?: "all" | "listed"; readonly unknownTo?: string; readonly assignedQuotaBytes?: number; readonly name: string; readonly class: "mailbox" | "alias" | "relay"; readonly active: boolean; readonly transport: string; readonly maintenance?: string; readonly created: number; readonly mailboxes: number; readonly aliases: number; readonly lists: number; readonly catchAll: boolean; readonly postmaster: boolean; readonly abuse: boolean; readonly aliasDomains: readonly string[] };
  };
  /** Say how many domains there are, by class and state. */
  "domain.counts": {
    input: Readonly<Record<string, never>>;
    output: { readonly all: number; readonly mailbox: number; readonly alias: number; readonly relay: number; readonly off: number; readonly maintenance: number };
  };
  /** Say which records of the DNS a domain needs for what this host does for it, and how they stand. */
  "domain.dns": {
    input: { readonly name: string };
    output: { readonly hostname: string; readonly items: readonly ({ readonly purpose: "mx" | "spf" | "address" | "pointer" | "service"; readonly name: string; readonly type: "MX" | "TXT" | "A/AAAA" | "PTR" | "SRV"; readonly wanted: string; readonly state: "good" | "otherwise" | "unknown"; readonly found: readonly string[]; readonly reason?: string; readonly isNeeded: boolean })[] };
  };
  /** Give all mail of a domain as a graph: its addresses, and where each leads. */
  "domain.flow": {
    input: { readonly name: string };
    output: { readonly domain: string; readonly nodes: readonly ({ readonly name: string; readonly kind: "door" | "address" | "mailbox" | "list" | "program" | "file" | "answer" | "mailed" | "outside" | "elsewhere" | "refused" | "deferred" | "failed" | "discarded"; readonly title: string; readonly note?: string; readonly state?: "missing" | "off" | "full" | "maintenance" | "loop" | "more" | "shadowed" | "unreached" })[]; readonly edges: readonly { readonly from: string; readonly to: string; readonly stage: string; readonly leavesHost?: boolean; readonly isUntaken?: boolean; readonly by?: string; readonly table?: string; readonly key?: string; readonly result?: string; readonly source?: string }[]; readonly plain: readonly string[]; readonly isCut: boolean; readonly rows: number };
  };
  /** Add many mailboxes, aliases, members or recipients of a domain at once, in one revision. */
  "domain.import": {
    input: { readonly name: string; readonly kind: "mailbox" | "alias" | "member" | "recipient"; readonly list?: string; readonly text: string; readonly onlyGood?: boolean };
    output: { readonly rows: readonly ({ readonly line: number; readonly address: string; readonly outcome: "added" | "unchanged" | "differs" | "wrong"; readonly reason?: string })[]; readonly added: number; readonly there: number; readonly wrong: number; readonly passwords: readonly { readonly address: string; readonly password: string }[] };
  };
  /** Say what would come of each row of a text with many mailboxes, aliases, members or recipients. */
  "domain.import-check": {
    input: { readonly name: string; readonly kind: "mailbox" | "alias" | "member" | "recipient"; readonly list?: string; readonly text: string };
    output: { readonly rows: readonly ({ readonly line: number; readonly address: string; readonly outcome: "added" | "unchanged" | "differs" | "wrong"; readonly reason?: string })[]; readonly added: number; readonly there: number; readonly wrong: number };
  };
  /** List the domains. */
  "domain.list": {
    input: { readonly after?: string; readonly limit?: number; readonly search?: string; readonly class?: "mailbox" | "alias" | "relay"; readonly having?: "off" | "maintenance" | "catch-all" | "no-postmaster" | "near-limit" };
    output: { readonly items: readonly ({ readonly maxMailboxes?: number; readonly maxAliases?: number; readonly totalQuotaBytes?: number; readonly defaultQuotaBytes?: number; readonly maxQuotaBytes?: number; readonly catchAllMode: "accept" | "propose" | "refuse"; readonly recipients?: "all" | "listed"; readonly unknownTo?: string; readonly assignedQuotaBytes?: number; readonly name: string; readonly class: "mailbox" | "alias" | "relay"; readonly active: boolean; readonly transport: string; readonly maintenance?: string; readonly created: number; readonly mailboxes: number; readonly aliases: number; readonly lists: number; readonly catchAll: boolean; readonly postmaster: boolean; readonly abuse: boolean; readonly aliasDomains: readonly string[] })[]; readonly next?: string };
  };
  /** List the domains that can be restored, the one removed last first. */
  "domain.list-removed": {
    input: Readonly<Record<string, never>>;
    output: { readonly items: readonly { readonly name: string; readonly removedAt: number; readonly recoverableUntil: number }[] };
  };
  /** Host a domain no more. */
  "domain.remove": {
    input: { readonly name: string; readonly recursive?: boolean };
    output: { readonly removed: true };
  };
  /** Bring back the domain that was removed last under this name, with all that went with it. */
  "domain.restore": {
    input: { readonly name: string };
    output: { readonly name: string; readonly mailboxes: number; readonly aliases: number; readonly lists: number; readonly aliasDomains: number; readonly senderRights: number; readonly places: number; readonly tags: number; readonly lost: readonly string[] };
  };
  /** Change a domain: its class, where its mail goes, whether it is taken. */
  "domain.set": {
    input: { readonly name: string; readonly class?: "mailbox" | "alias" | "relay"; readonly active?: boolean; readonly transport?: string; readonly maintenance?: string; readonly maxMailboxes?: number; readonly maxAliases?: number; readonly totalQuotaBytes?: number; readonly defaultQuotaBytes?: number; readonly maxQuotaBytes?: number; readonly catchAllMode?: "accept" | "propose" | "refuse"; readonly recipients?: "all" | "listed"; readonly unknownTo?: string };
    output: { readonly maxMailboxes?: number; readonly maxAliases?: number; readonly totalQuotaBytes?: number; readonly defaultQuotaBytes?: number; readonly maxQuotaBytes?: number; readonly catchAllMode: "accept" | "propose" | "refuse"; readonly recipients?: "all" | "listed"; readonly unknownTo?: string; readonly assignedQuotaBytes?: number; readonly name: string; readonly class: "mailbox" | "alias" | "relay"; readonly active: boolean; readonly transport: string; readonly maintenance?: string; readonly created: number; readonly mailboxes: number; readonly aliases: number; readonly lists: number; readonly catchAll: boolean; readonly postmaster: boolean; readonly abuse: boolean; readonly aliasDomains: readonly string[] };
  };
  /** Change many domains at once, all or none: whether their mail is taken, where it goes, their tags. */
  "domain.set-many": {
    input: { readonly names: readonly string[]; readonly active?: boolean; readonly transport?: string; readonly maintenance?: string; readonly addTags?: readonly string[]; readonly removeTags?: readonly string[] };
    output: { readonly changed: number };
  };
  /** Show a domain. */
  "domain.show": {
    input: { readonly name: string };
    output: { readonly maxMailboxes?: number; readonly maxAliases?: number; readonly totalQuotaBytes?: number; readonly defaultQuotaBytes?: number; readonly maxQuotaBytes?: number; readonly catchAllMode: "accept" | "propose" | "refuse"; readonly recipients?: "all" | "listed"; readonly unknownTo?: string; readonly assignedQuotaBytes?: number; readonly name: string; readonly class: "mailbox" | "alias" | "relay"; readonly active: boolean; readonly transport: string; readonly maintenance?: string; readonly created: number; readonly mailboxes: number; readonly aliases: number; readonly lists: number; readonly catchAll: boolean; readonly postmaster: boolean; readonly abuse: boolean; readonly aliasDomains: readonly string[] };
  };
  /** Say where mail for addresses goes, and why. */
  "explain.show": {
    input: { readonly address: readonly string[]; readonly sender?: string; readonly client?: string; readonly clientName?: string; readonly helo?: string; readonly login?: string; readonly service?: string; readonly at?: string; readonly withoutTable?: string; readonly withoutKey?: string };
    output: { readonly items: readonly ({ readonly recipient: string; readonly class: string; readonly replyStage?: string; readonly reply: { readonly code: number; readonly status: string; readonly text: string }; readonly deliveries: readonly { readonly recipient: string; readonly original: string; readonly transport: string; readonly nexthop: string; readonly path?: string }[]; readonly filter?: { readonly by: string; readonly transport: string; readonly nexthop: string }; readonly milters?: readonly string[]; readonly steps: readonly { readonly stage: string; readonly table: string; readonly key: string; readonly result: string; readonly source?: string; readonly depth?: number }[]; readonly flow: { readonly nodes: readonly ({ readonly name: string; readonly kind: "door" | "address" | "mailbox" | "list" | "program" | "file" | "answer" | "mailed" | "outside" | "elsewhere" | "refused" | "deferred" | "failed" | "discarded"; readonly title: string; readonly note?: string; readonly state?: "missing" | "off" | "full" | "maintenance" | "loop" | "more" | "shadowed" | "unreached" })[]; readonly edges: readonly { readonly from: string; readonly to: string; readonly stage: string; readonly leavesHost?: boolean; readonly isUntaken?: boolean; readonly asked: readonly number[]; readonly decided?: number }[] } })[]; readonly note?: readonly string[] };
  };
  /** Say why mail for an address does not arrive in a mailbox, and who reaches that one. */
  "explain.why-not": {
    input: { readonly address: string; readonly wanted: string; readonly sender?: string; readonly client?: string; readonly clientName?: string; readonly helo?: string; readonly login?: string; readonly service?: string };
    output: { readonly recipient: string; readonly mailbox: string; readonly reaches: boolean; readonly reply: { readonly code: number; readonly status: string; readonly text: string }; readonly reasons: readonly { readonly kind: string; readonly text: string; readonly table?: string; readonly key?: string; readonly result?: string; readonly source?: string }[]; readonly open: readonly { readonly table: string; readonly key: string }[]; readonly reachedBy: { readonly addresses: readonly string[]; readonly isCut: boolean } };
  };
  /** Say whether all is well. */
  "health.show": {
    input: Readonly<Record<string, never>>;
    output: { readonly checks: readonly ({ readonly check: "listeners" | "queue" | "disk" | "certificates" | "accounting" | "alarms" | "trace" | "clock" | "dns" | "faults"; readonly state: "good" | "warning" | "bad" | "unknown"; readonly text: string; readonly values: Readonly<Record<string, number>> })[]; readonly faults: readonly { readonly time: number; readonly program: string; readonly text: string }[] };
  };
  /** List changes of the directory, the oldest first. */
  "history.list": {
    input: { readonly after?: string; readonly limit?: number; readonly object?: string };
    output: { readonly items: readonly { readonly id?: number; readonly revision?: number; readonly time: number; readonly actor: string; readonly action: string; readonly object: string; readonly before: unknown; readonly after: unknown }[]; readonly next?: string };
  };
  /** Ask the DNS what others find about the host: addresses, and the names that these lead back to. */
  "host.check": {
    input: { readonly hostname?: string };
    output: { readonly hostname: string; readonly items: readonly ({ readonly check: "name" | "addresses" | "reverse" | "port"; readonly outcome: "good" | "wrong" | "unknown"; readonly subject: string; readonly found: readonly string[]; readonly elsewhere?: readonly string[]; readonly reason?: string })[] };
  };
  /** Change the name of the host (myhostname in main.cf), and have the server read it. */
  "host.set": {
    input: { readonly hostname: string };
    output: { readonly hostname: string; readonly isSet: boolean; readonly needsRestart: readonly string[] };
  };
  /** Show the name of the host. */
  "host.show": {
    input: Readonly<Record<string, never>>;
    output: { readonly hostname: string; readonly isSet: boolean; readonly needsRestart: readonly string[] };
  };
  /** List what lint finds in the configuration: what is wrong, what happens, and how to mend it. */
  "lint.list": {
    input: Readonly<Record<string, never>>;
    output: { readonly items: readonly ({ readonly rule: string; readonly severity: "error" | "warning" | "hint"; readonly file: string; readonly line: number; readonly text: string; readonly consequence: string; readonly mend: string; readonly parameter?: string; readonly service?: string })[]; readonly isCut: boolean };
  };
  /** Add a mailing list. */
  "list.add": {
    input: { readonly address: string; readonly owners: readonly string[]; readonly name?: string; readonly post?: "anyone" | "members" | "domain" | "listed"; readonly posters?: readonly string[]; readonly members?: readonly string[] };
    output: { readonly address: string; readonly name: string; readonly post: "anyone" | "members" | "domain" | "listed"; readonly owners: readonly string[]; readonly posters: readonly string[]; readonly members: number; readonly created: number };
  };
  /** List the mailing lists. */
  "list.list": {
    input: { readonly after?: string; readonly limit?: number; readonly domain?: string; readonly search?: string };
    output: { readonly items: readonly ({ readonly address: string; readonly name: string; readonly post: "anyone" | "members" | "domain" | "listed"; readonly owners: readonly string[]; readonly posters: readonly string[]; readonly members: number; readonly created: number })[]; readonly next?: string };
  };
  /** List the members of a mailing list. */
  "list.members": {
    input: { readonly address: string; readonly after?: string; readonly limit?: number };
    output: { readonly items: readonly string[]; readonly next?: string };
  };
  /** Add members to a mailing list. */
  "list.members-add": {
    input: { readonly address: string; readonly members: readonly string[] };
    output: { readonly added: number };
  };
  /** Take members out of a mailing list. */
  "list.members-remove": {
    input: { readonly address: string; readonly members: readonly string[] };
    output: { readonly removed: true };
  };
  /** Remove a mailing list. */
  "list.remove": {
    input: { readonly address: string };
    output: { readonly removed: true };
  };
  /** Bring back the mailing list that was removed last under this address. */
  "list.restore": {
    input: { readonly address: string };
    output: { readonly address: string; readonly name: string; readonly post: "anyone" | "members" | "domain" | "listed"; readonly owners: readonly string[]; readonly posters: readonly string[]; readonly members: number; readonly created: number };
  };
  /** Change a mailing list; owners and posters replace what was there. */
  "list.set": {
    input: { readonly address: string; readonly name?: string; readonly post?: "anyone" | "members" | "domain" | "listed"; readonly owners?: readonly string[]; readonly posters?: readonly string[] };
    output: { readonly address: string; readonly name: string; readonly post: "anyone" | "members" | "domain" | "listed"; readonly owners: readonly string[]; readonly posters: readonly string[]; readonly members: number; readonly created: number };
  };
  /** Show a mailing list. */
  "list.show": {
    input: { readonly address: string };
    output: { readonly address: string; readonly name: string; readonly post: "anyone" | "members" | "domain" | "listed"; readonly owners: readonly string[]; readonly posters: readonly string[]; readonly members: number; readonly created: number };
  };
  /** List the last failed logins since the start of the server, the newest first. */
  "lockout.failures": {
    input: Readonly<Record<string, never>>;
    output: { readonly items: readonly { readonly account: string; readonly address: string; readonly protocol: string; readonly first: number; readonly last: number; readonly times: number }[] };
  };
  /** List who may not log in for now. */
  "lockout.list": {
    input: Readonly<Record<string, never>>;
    output: { readonly items: readonly ({ readonly kind: "address" | "network" | "account" | "account-network"; readonly subject: string; readonly since: number; readonly until: number; readonly times: number })[] };
  };
  /** Lift a lock-out: of an address, a network or an account. */
  "lockout.remove": {
    input: { readonly subject: string };
    output: { readonly items: readonly ({ readonly kind: "address" | "network" | "account" | "account-network"; readonly subject: string; readonly since: number; readonly until: number; readonly times: number })[] };
  };
  /** Add a mailbox. Without a password one is made and given back. */
  "mailbox.add": {
    input: { readonly address: string; readonly password?: string; readonly passwordHash?: string; readonly name?: string; readonly quotaBytes?: number; readonly enabled?: boolean; readonly protocols?: readonly string[]; readonly mustChange?: boolean; readonly passwordExpires?: number };
    output: { readonly id?: number; readonly address: string; readonly name: string; readonly quotaBytes: number; readonly enabled: boolean; readonly vacation?: { readonly subject: string; readonly text: string; readonly from?: number; readonly until?: number; readonly days: number }; readonly maintenance?: string; readonly messageLimit?: number; readonly recipientLimit?: number; readonly forward?: { readonly mode: "keep" | "forward" | "both"; readonly to: readonly string[] }; readonly recoveryAddress?: string; readonly protocols?: readonly string[]; readonly mustChange?: true; readonly passwordChanged?: number; readonly passwordExpires?: number; readonly lastLogin?: { readonly time: number; readonly protocol: string; readonly address: string }; readonly usedBytes?: number; readonly created: number; readonly removedAt?: number; readonly recoverableUntil?: number; readonly becameAdministrator: boolean; readonly password?: string };
  };
  /** Say what to type into a mail program to use a mailbox. */
  "mailbox.client-settings": {
    input: { readonly address: string };
    output: { readonly login: string; readonly items: readonly ({ readonly protocol: "imap" | "pop3" | "submission"; readonly host: string; readonly port: number; readonly security: "tls" | "starttls" | "none"; readonly isLocal: boolean })[]; readonly isSelfSigned: boolean };
  };
  /** List the mailboxes, or the removed ones that can be restored. */
  "mailbox.list": {
    input: { readonly after?: string; readonly limit?: number; readonly domain?: string; readonly removed?: boolean; readonly search?: string; readonly usage?: boolean };
    output: { readonly items: readonly ({ readonly id?: number; readonly address: string; readonly name: string; readonly quotaBytes: number; readonly enabled: boolean; readonly vacation?: { readonly subject: string; readonly text: string; readonly from?: number; readonly until?: number; readonly days: number }; readonly maintenance?: string; readonly messageLimit?: number; readonly recipientLimit?: number; readonly forward?: { readonly mode: "keep" | "forward" | "both"; readonly to: readonly string[] }; readonly recoveryAddress?: string; readonly protocols?: readonly string[]; readonly mustChange?: true; readonly passwordChanged?: number; readonly passwordExpires?: number; readonly lastLogin?: { readonly time: number; readonly protocol: string; readonly address: string }; readonly usedBytes?: number; readonly created: number; readonly removedAt?: number; readonly recoverableUntil?: number })[]; readonly next?: string };
  };
  /** List the last logins to a mailbox, the newest first: one for each way and address. */
  "mailbox.logins": {
    input: { readonly address: string };
    output: { readonly items: readonly ({ readonly outcome: "in" | "failed"; readonly protocol: string; readonly address: string; readonly since: number; readonly time: number })[] };
  };
  /** Say what names the address of a mailbox: aliases, lists, forwards, rights to send. */
  "mailbox.references": {
    input: { readonly address: string };
    output: Readonly<Record<string, readonly string[]>>;
  };
  /** Remove a mailbox; it can be restored for some time. */
  "mailbox.remove": {
    input: { readonly address: string };
    output: { readonly removed: true; readonly recoverableUntil: number; readonly references: Readonly<Record<string, readonly string[]>> };
  };
  /** Give a mailbox another address: its mail, passwords and settings stay. */
  "mailbox.rename": {
    input: { readonly address: string; readonly to: string; readonly keepAlias?: boolean; readonly moveReferences?: boolean };
    output: { readonly id?: number; readonly address: string; readonly name: string; readonly quotaBytes: number; readonly enabled: boolean; readonly vacation?: { readonly subject: string; readonly text: string; readonly from?: number; readonly until?: number; readonly days: number }; readonly maintenance?: string; readonly messageLimit?: number; readonly recipientLimit?: number; readonly forward?: { readonly mode: "keep" | "forward" | "both"; readonly to: readonly string[] }; readonly recoveryAddress?: string; readonly protocols?: readonly string[]; readonly mustChange?: true; readonly passwordChanged?: number; readonly passwordExpires?: number; readonly lastLogin?: { readonly time: number; readonly protocol: string; readonly address: string }; readonly usedBytes?: number; readonly created: number; readonly removedAt?: number; readonly recoverableUntil?: number; readonly before: string; readonly references: Readonly<Record<string, readonly string[]>> };
  };
  /** Bring a removed mailbox back with its mail. */
  "mailbox.restore": {
    input: { readonly address: string };
    output: { readonly id?: number; readonly address: string; readonly name: string; readonly quotaBytes: number; readonly enabled: boolean; readonly vacation?: { readonly subject: string; readonly text: string; readonly from?: number; readonly until?: number; readonly days: number }; readonly maintenance?: string; readonly messageLimit?: number; readonly recipientLimit?: number; readonly forward?: { readonly mode: "keep" | "forward" | "both"; readonly to: readonly string[] }; readonly recoveryAddress?: string; readonly protocols?: readonly string[]; readonly mustChange?: true; readonly passwordChanged?: number; readonly passwordExpires?: number; readonly lastLogin?: { readonly time: number; readonly protocol: string; readonly address: string }; readonly usedBytes?: number; readonly created: number; readonly removedAt?: number; readonly recoverableUntil?: number };
  };
  /** Remove the second factors of a mailbox's owner who has lost them. */
  "mailbox.second-factors-remove": {
    input: { readonly address: string };
    output: { readonly removed: true };
  };
  /** Change a mailbox. Its owner may change the name, the vacation and the forward. A new password ends sessions and tokens. */
  "mailbox.set": {
    input: { readonly address: string; readonly password?: string; readonly passwordHash?: string; readonly name?: string; readonly quotaBytes?: number; readonly enabled?: boolean; readonly vacation?: { readonly subject?: string; readonly text?: string; readonly from?: number; readonly until?: number; readonly days?: number } | null; readonly forward?: { readonly mode?: "keep" | "forward" | "both"; readonly to?: readonly string[] } | null; readonly protocols?: readonly string[]; readonly mustChange?: boolean; readonly passwordExpires?: number; readonly maintenance?: string; readonly messageLimit?: number | null; readonly recipientLimit?: number | null; readonly recoveryAddress?: string };
    output: { readonly id?: number; readonly address: string; readonly name: string; readonly quotaBytes: number; readonly enabled: boolean; readonly vacation?: { readonly subject: string; readonly text: string; readonly from?: number; readonly until?: number; readonly days: number }; readonly maintenance?: string; readonly messageLimit?: number; readonly recipientLimit?: number; readonly forward?: { readonly mode: "keep" | "forward" | "both"; readonly to: readonly string[] }; readonly recoveryAddress?: string; readonly protocols?: readonly string[]; readonly mustChange?: true; readonly passwordChanged?: number; readonly passwordExpires?: number; readonly lastLogin?: { readonly time: number; readonly protocol: string; readonly address: string }; readonly usedBytes?: number; readonly created: number; readonly removedAt?: number; readonly recoverableUntil?: number };
  };
  /** Show a mailbox. */
  "mailbox.show": {
    input: { readonly address: string };
    output: { readonly id?: number; readonly address: string; readonly name: string; readonly quotaBytes: number; readonly enabled: boolean; readonly vacation?: { readonly subject: string; readonly text: string; readonly from?: number; readonly until?: number; readonly days: number }; readonly maintenance?: string; readonly messageLimit?: number; readonly recipientLimit?: number; readonly forward?: { readonly mode: "keep" | "forward" | "both"; readonly to: readonly string[] }; readonly recoveryAddress?: string; readonly protocols?: readonly string[]; readonly mustChange?: true; readonly passwordChanged?: number; readonly passwordExpires?: number; readonly lastLogin?: { readonly time: number; readonly protocol: string; readonly address: string }; readonly usedBytes?: number; readonly created: number; readonly removedAt?: number; readonly recoverableUntil?: number };
  };
  /** Send a test message to a mailbox of this host; its trace says what becomes of it. */
  "message.test": {
    input: { readonly address: string };
    output: { readonly queueId: string; readonly sender: string; readonly recipient: string; readonly messageId: string; readonly accepted: number };
  };
  /** Do something to all messages that match now: it goes on by itself. */
  "queue.apply": {
    input: { readonly change: "remove" | "hold" | "release" | "requeue" | "expire" | "flush"; readonly state?: "incoming" | "active" | "deferred" | "hold"; readonly sender?: string; readonly recipient?: string; readonly destination?: string; readonly reason?: string; readonly minAge?: number; readonly maxAge?: number };
    output: { readonly job: string; readonly change: "remove" | "hold" | "release" | "requeue" | "expire" | "flush"; readonly actor: string; readonly started: number; readonly expected: number; readonly seen: number; readonly changed: number; readonly state: "running" | "done" | "stopped" | "failed"; readonly problem?: string };
  };
  /** Send messages back at once. */
  "queue.expire": {
    input: { readonly ids: readonly string[] };
    output: { readonly ids: readonly string[] };
  };
  /** Try messages now. */
  "queue.flush": {
    input: { readonly ids: readonly string[] };
    output: { readonly ids: readonly string[] };
  };
  /** Try everything in the queue now. */
  "queue.flush-all": {
    input: Readonly<Record<string, never>>;
    output: { readonly flushed: true };
  };
  /** Show the header of a queued message. */
  "queue.header": {
    input: { readonly id: string };
    output: { readonly text: string; readonly isCut: boolean };
  };
  /** Put messages on hold. */
  "queue.hold": {
    input: { readonly ids: readonly string[] };
    output: { readonly ids: readonly string[] };
  };
  /** Show how far one of those is. */
  "queue.job": {
    input: { readonly job: string };
    output: { readonly job: string; readonly change: "remove" | "hold" | "release" | "requeue" | "expire" | "flush"; readonly actor: string; readonly started: number; readonly expected: number; readonly seen: number; readonly changed: number; readonly state: "running" | "done" | "stopped" | "failed"; readonly problem?: string };
  };
  /** List what is being done, and was done, to all messages that matched; the newest first, since the start. */
  "queue.jobs": {
    input: Readonly<Record<string, never>>;
    output: { readonly items: readonly ({ readonly job: string; readonly change: "remove" | "hold" | "release" | "requeue" | "expire" | "flush"; readonly actor: string; readonly started: number; readonly expected: number; readonly seen: number; readonly changed: number; readonly state: "running" | "done" | "stopped" | "failed"; readonly problem?: string })[] };
  };
  /** List what is queued; with a filter, a page may be short and still have a next one. */
  "queue.list": {
    input: { readonly after?: string; readonly limit?: number; readonly state?: "incoming" | "active" | "deferred" | "hold"; readonly sender?: string; readonly recipient?: string; readonly destination?: string; readonly reason?: string; readonly minAge?: number; readonly maxAge?: number; readonly maxRecipients?: number };
    output: { readonly items: readonly ({ readonly id: string; readonly state: "incoming" | "active" | "deferred" | "hold"; readonly sender: string; readonly size: number; readonly arrival: number; readonly attempts: number; readonly nextAttempt?: number; readonly recipientCount: number; readonly isExpired: boolean; readonly recipients: readonly { readonly recipient: string; readonly original: string; readonly transport: string; readonly nexthop: string; readonly status: string; readonly reason: string }[] })[]; readonly next?: string };
  };
  /** Take messages from hold. */
  "queue.release": {
    input: { readonly ids: readonly string[] };
    output: { readonly ids: readonly string[] };
  };
  /** Delete messages from the queue. */
  "queue.remove": {
    input: { readonly ids: readonly string[] };
    output: { readonly ids: readonly string[] };
  };
  /** Route messages again. */
  "queue.requeue": {
    input: { readonly ids: readonly string[] };
    output: { readonly ids: readonly string[] };
  };
  /** Show a queued message. */
  "queue.show": {
    input: { readonly id: string };
    output: { readonly id: string; readonly state: "incoming" | "active" | "deferred" | "hold"; readonly sender: string; readonly size: number; readonly arrival: number; readonly attempts: number; readonly nextAttempt?: number; readonly recipientCount: number; readonly isExpired: boolean; readonly recipients: readonly { readonly recipient: string; readonly original: string; readonly transport: string; readonly nexthop: string; readonly status: string; readonly reason: string }[] };
  };
  /** Stop one of those; what is done stays done. */
  "queue.stop": {
    input: { readonly job: string };
    output: { readonly job: string; readonly change: "remove" | "hold" | "release" | "requeue" | "expire" | "flush"; readonly actor: string; readonly started: number; readonly expected: number; readonly seen: number; readonly changed: number; readonly state: "running" | "done" | "stopped" | "failed"; readonly problem?: string };
  };
  /** Count what is queued, by state, age, destination, reason and sender. */
  "queue.summary": {
    input: { readonly state?: "incoming" | "active" | "deferred" | "hold"; readonly sender?: string; readonly recipient?: string; readonly destination?: string; readonly reason?: string; readonly minAge?: number; readonly maxAge?: number; readonly fresh?: boolean };
    output: { readonly time: number; readonly isComplete: boolean; readonly messages: number; readonly recipients: number; readonly bytes: number; readonly states: { readonly incoming: number; readonly active: number; readonly deferred: number; readonly hold: number }; readonly ages: readonly number[]; readonly destinations: readonly { readonly name: string; readonly recipients: number; readonly ages: readonly number[] }[]; readonly destinationCount: number; readonly reasons: readonly { readonly name: string; readonly recipients: number }[]; readonly senders: readonly { readonly name: string; readonly messages: number }[] };
  };
  /** List how much mailboxes hold, against what they may hold. */
  "quota.list": {
    input: { readonly after?: string; readonly limit?: number; readonly domain?: string; readonly minPercent?: number };
    output: { readonly items: readonly ({ readonly address: string; readonly bytes: number; readonly messages: number; readonly quotaBytes: number; readonly percent: number | null })[]; readonly next?: string };
  };
  /** Count the mail of a mailbox anew. */
  "quota.recalculate": {
    input: { readonly address: string };
    output: { readonly address: string; readonly bytes: number; readonly messages: number; readonly quotaBytes: number; readonly percent: number | null };
  };
  /** Say how much a mailbox holds. */
  "quota.show": {
    input: { readonly address: string };
    output: { readonly address: string; readonly bytes: number; readonly messages: number; readonly quotaBytes: number; readonly percent: number | null };
  };
  /** Show which addresses' mail arrives in a mailbox. */
  "reaches.show": {
    input: { readonly address: string; readonly limit?: number };
    output: { readonly items: readonly ({ readonly address: string; readonly by: "own" | "alias" | "catch-all" | "alias-domain" | "forward" | "list" | "list-owner"; readonly arrives: boolean })[]; readonly isCut: boolean };
  };
  /** Ask for a link to a new password, mailed to the recovery address. The answer is the same for every address. */
  "recovery.ask": {
    input: { readonly address: string };
    output: { readonly asked: true };
  };
  /** Set a new password by a mailed link, once. All sessions, tokens and passkeys end; codes of the app and app passwords go on. */
  "recovery.reset": {
    input: { readonly token: string; readonly password: string; readonly code?: string };
    output: { readonly login: string; readonly tokensRemoved: number; readonly passkeysRemoved: number; readonly codes: boolean; readonly appPasswords: number };
  };
  /** Say whose a mailed link is. It stays good. */
  "recovery.show": {
    input: { readonly token: string };
    output: { readonly login: string; readonly code: boolean; readonly codesSince?: number };
  };
  /** Add recipients of relay domains: they count where the domain takes listed ones only. */
  "relay-recipient.add": {
    input: { readonly addresses: readonly string[] };
    output: { readonly added: readonly string[] };
  };
  /** List the recipients of relay domains. */
  "relay-recipient.list": {
    input: { readonly after?: string; readonly limit?: number; readonly domain?: string };
    output: { readonly items: readonly { readonly address: string; readonly created: number }[]; readonly next?: string };
  };
  /** Remove recipients of relay domains. */
  "relay-recipient.remove": {
    input: { readonly addresses: readonly string[] };
    output: { readonly removed: true };
  };
  /** List what was changed at once, the newest first. */
  "revision.list": {
    input: { readonly after?: string; readonly limit?: number; readonly object?: string; readonly domain?: string; readonly actor?: string; readonly area?: string; readonly since?: number; readonly until?: number };
    output: { readonly items: readonly { readonly mark: string; readonly revision?: number; readonly time: number; readonly actor: string; readonly changes: readonly { readonly event?: number; readonly action: string; readonly object: string; readonly before: unknown; readonly after: unknown; readonly differences: readonly { readonly field: string; readonly before?: unknown; readonly after?: unknown }[] }[]; readonly count: number }[]; readonly next?: string };
  };
  /** Undo a revision by a new one, whole or not at all. */
  "revision.revert": {
    input: { readonly revision: number | string };
    output: { readonly revision?: number; readonly made: string; readonly count: number; readonly notes: readonly string[] };
  };
  /** Show what was changed at once: its first 1000 changes. */
  "revision.show": {
    input: { readonly revision: number | string };
    output: { readonly mark: string; readonly revision?: number; readonly time: number; readonly actor: string; readonly changes: readonly { readonly event?: number; readonly action: string; readonly object: string; readonly before: unknown; readonly after: unknown; readonly differences: readonly { readonly field: string; readonly before?: unknown; readonly after?: unknown }[] }[]; readonly count: number; readonly mayRevert: boolean };
  };
  /** Let a login send as an address, or forbid it. */
  "sender-login.add": {
    input: { readonly address: string; readonly login: string; readonly allowed?: boolean };
    output: { readonly address: string; readonly login: string; readonly allowed: boolean; readonly created: number };
  };
  /** List grants and denials: who may send as an address beyond those who receive its mail. */
  "sender-login.list": {
    input: { readonly after?: string; readonly limit?: number; readonly domain?: string; readonly address?: string; readonly login?: string };
    output: { readonly items: readonly { readonly address: string; readonly login: string; readonly allowed: boolean; readonly created: number }[]; readonly next?: string };
  };
  /** Remove a grant or a denial. */
  "sender-login.remove": {
    input: { readonly address: string; readonly login: string };
    output: { readonly removed: true };
  };
  /** Make a grant a denial, or the other way round. */
  "sender-login.set": {
    input: { readonly address: string; readonly login: string; readonly allowed: boolean };
    output: { readonly address: string; readonly login: string; readonly allowed: boolean; readonly created: number };
  };
  /** Say who may send as an address, and why. */
  "sender-login.show": {
    input: { readonly address: string };
    output: { readonly address: string; readonly answeredBy: string | null; readonly allowed: readonly { readonly login: string; readonly because: string }[]; readonly denied: readonly { readonly login: string; readonly because: string }[] };
  };
  /** List the services of master.cf: whether they run, where they listen, what they override. */
  "service.list": {
    input: Readonly<Record<string, never>>;
    output: { readonly items: readonly ({ readonly name: string; readonly type: string; readonly command: string; readonly file: string; readonly line: number; readonly state: "listening" | "running" | "within" | "off"; readonly addresses: readonly string[]; readonly overrides: readonly { readonly name: string; readonly value: string }[] })[] };
  };
  /** Log in with a password; a browser gets a cookie. */
  "session.add": {
    input: { readonly login: string; readonly password: string; readonly code?: string };
    output: { readonly login: string; readonly role: "user" | "domain" | "host"; readonly domains?: readonly string[]; readonly mustChange: boolean; readonly scopes?: readonly string[] };
  };
  /** Log in with a passkey. */
  "session.passkey": {
    input: { readonly response: { readonly id: string } };
    output: { readonly login: string; readonly role: "user" | "domain" | "host"; readonly domains?: readonly string[]; readonly mustChange: boolean; readonly scopes?: readonly string[] };
  };
  /** Begin to log in with a passkey: gives what the browser is to be asked. */
  "session.passkey-options": {
    input: Readonly<Record<string, never>>;
    output: { readonly challenge: string };
  };
  /** Log out. */
  "session.remove": {
    input: Readonly<Record<string, never>>;
    output: { readonly removed: true };
  };
  /** List the parameters of main.cf: value, origin, what they are for. */
  "setting.list": {
    input: { readonly after?: string; readonly limit?: number; readonly search?: string; readonly only?: "set" | "findings" };
    output: { readonly items: readonly ({ readonly name: string; readonly area: string; readonly kind: "text" | "list" | "flag" | "integer" | "time"; readonly unit?: string; readonly words?: readonly string[]; readonly min?: number; readonly max?: number; readonly default: string; readonly value: string; readonly expanded?: string; readonly isSet: boolean; readonly isSecret: boolean; readonly origin: { readonly kind: "default" | "first-start" | "file"; readonly file?: string; readonly line?: number }; readonly status: "supported" | "unsupported" | "unneeded"; readonly text: string; readonly needsRestart: boolean; readonly machineOnly?: string; readonly overrides: readonly { readonly service: string; readonly type: string; readonly line: number; readonly value: string }[] })[]; readonly next?: string };
  };
  /** Take a parameter out of main.cf, so that its default holds, and reload. */
  "setting.reset": {
    input: { readonly name: string };
    output: { readonly setting: { readonly name: string; readonly area: string; readonly kind: "text" | "list" | "flag" | "integer" | "time"; readonly unit?: string; readonly words?: readonly string[]; readonly min?: number; readonly max?: number; readonly default: string; readonly value: string; readonly expanded?: string; readonly isSet: boolean; readonly isSecret: boolean; readonly origin: { readonly kind: "default" | "first-start" | "file"; readonly file?: string; readonly line?: number }; readonly status: "supported" | "unsupported" | "unneeded"; readonly text: string; readonly needsRestart: boolean; readonly machineOnly?: string; readonly overrides: readonly { readonly service: string; readonly type: string; readonly line: number; readonly value: string }[] }; readonly restart: readonly string[]; readonly findings: readonly ({ readonly rule: string; readonly severity: "error" | "warning" | "hint"; readonly file: string; readonly line: number; readonly text: string; readonly consequence: string; readonly mend: string; readonly parameter?: string; readonly service?: string })[] };
  };
  /** Change a parameter in main.cf, as postconf -e, and reload. What would break the configuration is refused. */
  "setting.set": {
    input: { readonly name: string; readonly value: string };
    output: { readonly setting: { readonly name: string; readonly area: string; readonly kind: "text" | "list" | "flag" | "integer" | "time"; readonly unit?: string; readonly words?: readonly string[]; readonly min?: number; readonly max?: number; readonly default: string; readonly value: string; readonly expanded?: string; readonly isSet: boolean; readonly isSecret: boolean; readonly origin: { readonly kind: "default" | "first-start" | "file"; readonly file?: string; readonly line?: number }; readonly status: "supported" | "unsupported" | "unneeded"; readonly text: string; readonly needsRestart: boolean; readonly machineOnly?: string; readonly overrides: readonly { readonly service: string; readonly type: string; readonly line: number; readonly value: string }[] }; readonly restart: readonly string[]; readonly findings: readonly ({ readonly rule: string; readonly severity: "error" | "warning" | "hint"; readonly file: string; readonly line: number; readonly text: string; readonly consequence: string; readonly mend: string; readonly parameter?: string; readonly service?: string })[] };
  };
  /** Show a parameter of main.cf. */
  "setting.show": {
    input: { readonly name: string };
    output: { readonly name: string; readonly area: string; readonly kind: "text" | "list" | "flag" | "integer" | "time"; readonly unit?: string; readonly words?: readonly string[]; readonly min?: number; readonly max?: number; readonly default: string; readonly value: string; readonly expanded?: string; readonly isSet: boolean; readonly isSecret: boolean; readonly origin: { readonly kind: "default" | "first-start" | "file"; readonly file?: string; readonly line?: number }; readonly status: "supported" | "unsupported" | "unneeded"; readonly text: string; readonly needsRestart: boolean; readonly machineOnly?: string; readonly overrides: readonly { readonly service: string; readonly type: string; readonly line: number; readonly value: string }[] };
  };
  /** Say whether settings can be changed over the network, and what waits for a restart. */
  "setting.state": {
    input: Readonly<Record<string, never>>;
    output: { readonly isWritable: boolean; readonly restart: readonly string[] };
  };
  /** Undo the last change of a parameter over the network since the start of the server, and reload. */
  "setting.undo": {
    input: { readonly name: string };
    output: { readonly setting: { readonly name: string; readonly area: string; readonly kind: "text" | "list" | "flag" | "integer" | "time"; readonly unit?: string; readonly words?: readonly string[]; readonly min?: number; readonly max?: number; readonly default: string; readonly value: string; readonly expanded?: string; readonly isSet: boolean; readonly isSecret: boolean; readonly origin: { readonly kind: "default" | "first-start" | "file"; readonly file?: string; readonly line?: number }; readonly status: "supported" | "unsupported" | "unneeded"; readonly text: string; readonly needsRestart: boolean; readonly machineOnly?: string; readonly overrides: readonly { readonly service: string; readonly type: string; readonly line: number; readonly value: string }[] }; readonly restart: readonly string[]; readonly findings: readonly ({ readonly rule: string; readonly severity: "error" | "warning" | "hint"; readonly file: string; readonly line: number; readonly text: string; readonly consequence: string; readonly mend: string; readonly parameter?: string; readonly service?: string })[] };
  };
  /** Make the first administrator of the host, and log in, with the link that the host showed at its first start. */
  "setup.add": {
    input: { readonly token: string; readonly login: string; readonly name?: string; readonly password?: string; readonly passkey?: { readonly name: string; readonly response: { readonly id: string } } };
    output: { readonly login: string; readonly role: "user" | "domain" | "host"; readonly domains?: readonly string[]; readonly mustChange: boolean; readonly scopes?: readonly string[] };
  };
  /** Say whether a setup link is good. */
  "setup.check": {
    input: { readonly token: string };
    output: { readonly isGood: true; readonly hostname: string };
  };
  /** Begin to make a passkey for the first administrator: gives what the browser is to be asked. */
  "setup.passkey-options": {
    input: { readonly token: string; readonly login: string };
    output: { readonly challenge: string };
  };
  /** Say whether the host has an administrator. */
  "setup.show": {
    input: Readonly<Record<string, never>>;
    output: { readonly hasAdministrator: boolean; readonly command: string };
  };
  /** Say how much mail there was over time. */
  "statistics.show": {
    input: { readonly range?: "1h" | "24h" | "7d" | "90d"; readonly zoneMinutes?: number };
    output: { readonly range: "1h" | "24h" | "7d" | "90d"; readonly stepMilliseconds: number; readonly points: readonly { readonly time: number; readonly accepted: number; readonly delivered: number; readonly deferred: number; readonly bounced: number; readonly refused: number }[]; readonly totals: { readonly accepted: number; readonly delivered: number; readonly deferred: number; readonly bounced: number; readonly refused: number } };
  };
  /** Say what the server is doing: listeners, connections, queue, accounting, alarms. */
  "status.show": {
    input: Readonly<Record<string, never>>;
    output: { readonly version: string; readonly pid: number; readonly uptimeSeconds: number; readonly configDirectory: string; readonly dataDirectory: string; readonly listeners: readonly { readonly name: string; readonly address: string }[]; readonly connections: { readonly smtp: number; readonly imap: number }; readonly queue: { readonly messages: number; readonly hold: number; readonly active: number; readonly entered: number }; readonly accounting?: { readonly entered: number; readonly delivered: number; readonly forwarded: number; readonly relayed: number; readonly bounced: number; readonly discarded: number; readonly deleted: number; readonly unexplained: number; readonly queued: number; readonly held: number; readonly mismatch: number }; readonly defence?: { readonly lockouts: number; readonly alarms: readonly { readonly login: string; readonly kind: string; readonly text: string; readonly since: number }[]; readonly greylisted?: number; readonly screened?: number; readonly refusedLogins?: number }; readonly residentBytes: number };
  };
  /** Put tags on an object, and take others away. */
  "tag.change": {
    input: { readonly kind: "domain" | "mailbox" | "alias" | "list"; readonly name: string; readonly add?: readonly string[]; readonly remove?: readonly string[] };
    output: { readonly tags: readonly string[] };
  };
  /** List the tags of the whole host, with how many objects have each. */
  "tag.list": {
    input: Readonly<Record<string, never>>;
    output: { readonly items: readonly { readonly tag: string; readonly domains: number; readonly mailboxes: number; readonly aliases: number; readonly lists: number }[] };
  };
  /** List what has a tag: domains, mailboxes, aliases, lists. */
  "tag.objects": {
    input: { readonly tag: string; readonly after?: string; readonly limit?: number };
    output: { readonly items: readonly ({ readonly kind: "domain" | "mailbox" | "alias" | "list"; readonly object: string })[]; readonly next?: string };
  };
  /** List the tags of a domain, a mailbox, an alias or a list. */
  "tag.show": {
    input: { readonly kind: "domain" | "mailbox" | "alias" | "list"; readonly name: string };
    output: { readonly tags: readonly string[] };
  };
  /** Make a token; its secret is given once. */
  "token.add": {
    input: { readonly name: string; readonly scopes: readonly string[]; readonly expires?: number; readonly owner?: string };
    output: { readonly id: number; readonly name: string; readonly owner: string; readonly scopes: readonly string[]; readonly created: number; readonly expires?: number; readonly used?: { readonly time: number; readonly address: string }; readonly secret: string };
  };
  /** List one's tokens, or everybody's. */
  "token.list": {
    input: { readonly after?: string; readonly limit?: number; readonly all?: boolean };
    output: { readonly items: readonly { readonly id: number; readonly name: string; readonly owner: string; readonly scopes: readonly string[]; readonly created: number; readonly expires?: number; readonly used?: { readonly time: number; readonly address: string } }[]; readonly next?: string };
  };
  /** Remove a token: it opens nothing from now on. */
  "token.remove": {
    input: { readonly id: number };
    output: { readonly removed: true };
  };
  /** Say what became of messages: by queue id, message-id, address or client; or page by page, the newest first. */
  "trace.list": {
    input: { readonly text?: string; readonly session?: string; readonly subject?: string; readonly state?: "delivered" | "deferred" | "bounced" | "refused" | "held" | "queued" | "removed"; readonly since?: number; readonly until?: number; readonly events?: boolean; readonly after?: string; readonly limit?: number };
    output: { readonly items: readonly ({ readonly queueId: string | null; readonly session?: string; readonly time: number; readonly state: "delivered" | "deferred" | "bounced" | "refused" | "held" | "queued" | "removed"; readonly client?: string; readonly login?: string; readonly sender?: string; readonly size?: number; readonly messageId?: string; readonly subject?: string; readonly refusal?: string; readonly recipients: readonly ({ readonly recipient: string; readonly original?: string; readonly state: "delivered" | "deferred" | "bounced" | "refused" | "removed"; readonly relay?: string; readonly delaySeconds?: number; readonly status: string; readonly reason: string; readonly attempts: number })[]; readonly isDone: boolean; readonly links: readonly ({ readonly kind: "notice" | "forward" | "notice-about" | "forward-of"; readonly queueId: string })[]; readonly events: readonly { readonly time: number; readonly program: string; readonly level: string; readonly text: string }[] })[]; readonly isCut: boolean; readonly next?: string };
  };
  /** Say where mail for an address, a domain or all goes. */
  "transport.add": {
    input: { readonly place: string; readonly transport: string; readonly force?: boolean };
    output: { readonly place: string; readonly transport: string; readonly created: number };
  };
  /** List the entries that say where mail goes. */
  "transport.list": {
    input: { readonly after?: string; readonly limit?: number; readonly domain?: string };
    output: { readonly items: readonly { readonly place: string; readonly transport: string; readonly created: number }[]; readonly next?: string };
  };
  /** Remove an entry: the mail goes the usual way. */
  "transport.remove": {
    input: { readonly place: string };
    output: { readonly removed: true };
  };
  /** Send the mail for a place elsewhere. */
  "transport.set": {
    input: { readonly place: string; readonly transport: string };
    output: { readonly place: string; readonly transport: string; readonly created: number };
  };
  /** Show where mail for a place goes by its entry. */
  "transport.show": {
    input: { readonly place: string };
    output: { readonly place: string; readonly transport: string; readonly created: number };
  };
  /** Have an address told of changes and deliveries; the secret that signs is given once. */
  "webhook.add": {
    input: { readonly name: string; readonly url: string; readonly events?: readonly string[] };
    output: { readonly name: string; readonly owner?: string; readonly url: string; readonly events: readonly string[]; readonly active: boolean; readonly note: string; readonly created: number; readonly failingSince?: number; readonly nextAttempt?: number; readonly secret: string };
  };
  /** List the webhooks. */
  "webhook.list": {
    input: Readonly<Record<string, never>>;
    output: { readonly items: readonly { readonly name: string; readonly owner?: string; readonly url: string; readonly events: readonly string[]; readonly active: boolean; readonly note: string; readonly created: number; readonly failingSince?: number; readonly nextAttempt?: number }[] };
  };
  /** Remove a webhook. */
  "webhook.remove": {
    input: { readonly name: string; readonly owner?: string };
    output: { readonly removed: true };
  };
  /** Change a webhook, or switch it on again. */
  "webhook.set": {
    input: { readonly name: string; readonly owner?: string; readonly url?: string; readonly events?: readonly string[]; readonly active?: boolean };
    output: { readonly name: string; readonly owner?: string; readonly url: string; readonly events: readonly string[]; readonly active: boolean; readonly note: string; readonly created: number; readonly failingSince?: number; readonly nextAttempt?: number };
  };
  /** Show a webhook. */
  "webhook.show": {
    input: { readonly name: string; readonly owner?: string };
    output: { readonly name: string; readonly owner?: string; readonly url: string; readonly events: readonly string[]; readonly active: boolean; readonly note: string; readonly created: number; readonly failingSince?: number; readonly nextAttempt?: number };
  };
  /** Send an event webhook.test at once, signed as all others, and say whether it arrived. */
  "webhook.test": {
    input: { readonly name: string; readonly owner?: string };
    output: { readonly arrived: boolean; readonly problem?: string };
  };
}

/** Method and path of each, below /api/v1; `{name}` is a field of the input. */
export const places: Readonly<Record<keyof Operations, string>> = {
  "access.add": 'POST /access-rules',
  "access.list": 'GET /access-rules',
  "access.remove": 'DELETE /access-rules/{stage}/{pattern}',
  "access.set": 'PATCH /access-rules/{stage}/{pattern}',
  "access.show": 'GET /access-rules/{stage}/{pattern}',
  "account.logins": 'GET /account/logins',
  "account.passkey-add": 'POST /account/passkeys',
  "account.passkey-options": 'POST /account/passkeys/options',
  "account.passkey-remove": 'DELETE /account/passkeys/{id}',
  "account.password": 'PUT /account/password',
  "account.password-by-login": 'POST /self/password',
  "account.recovery": 'GET /account/recovery',
  "account.recovery-confirm": 'POST /account/recovery/confirm',
  "account.recovery-remove": 'POST /account/recovery/remove',
  "account.recovery-start": 'POST /account/recovery',
  "account.second-factors": 'GET /account/second-factors',
  "account.session-remove": 'DELETE /account/sessions/{id}',
  "account.sessions": 'GET /account/sessions',
  "account.sessions-remove": 'DELETE /account/sessions',
  "account.show": 'GET /account',
  "account.totp-confirm": 'POST /account/totp/confirm',
  "account.totp-remove": 'POST /account/totp/remove',
  "account.totp-start": 'POST /account/totp',
  "accounting.acknowledge": 'POST /accounting/acknowledge',
  "admin.add": 'POST /admins',
  "admin.list": 'GET /admins',
  "admin.password": 'POST /admins/{login}/password',
  "admin.remove": 'DELETE /admins/{login}',
  "admin.second-factors-remove": 'DELETE /admins/{login}/second-factors',
  "admin.sessions": 'GET /admins/{login}/sessions',
  "admin.sessions-remove": 'DELETE /admins/{login}/sessions',
  "admin.set": 'PATCH /admins/{login}',
  "admin.show": 'GET /admins/{login}',
  "alarm.list": 'GET /alarms',
  "alarm.remove": 'DELETE /alarms/{login}',
  "alias-domain.add": 'POST /alias-domains',
  "alias-domain.list": 'GET /alias-domains',
  "alias-domain.remove": 'DELETE /alias-domains/{name}',
  "alias-domain.set": 'PATCH /alias-domains/{name}',
  "alias-domain.show": 'GET /alias-domains/{name}',
  "alias.add": 'POST /aliases',
  "alias.edit": 'PATCH /aliases/{address}',
  "alias.list": 'GET /aliases',
  "alias.remove": 'DELETE /aliases/{address}',
  "alias.restore": 'POST /aliases/{address}/restore',
  "alias.set": 'PUT /aliases/{address}',
  "alias.show": 'GET /aliases/{address}',
  "app-password.add": 'POST /mailboxes/{mailbox}/app-passwords',
  "app-password.list": 'GET /mailboxes/{mailbox}/app-passwords',
  "app-password.list-all": 'GET /app-passwords',
  "app-password.remove": 'DELETE /mailboxes/{mailbox}/app-passwords/{name}',
  "app-password.set": 'PATCH /mailboxes/{mailbox}/app-passwords/{name}',
  "app-password.show": 'GET /mailboxes/{mailbox}/app-passwords/{name}',
  "bcc.add": 'POST /bccs',
  "bcc.list": 'GET /bccs',
  "bcc.remove": 'DELETE /bccs/{side}/{place}',
  "bcc.set": 'PUT /bccs/{side}/{place}',
  "bcc.show": 'GET /bccs/{side}/{place}',
  "catch-all.accept": 'POST /caught-addresses/accept',
  "catch-all.forget": 'POST /caught-addresses/forget',
  "catch-all.list": 'GET /caught-addresses',
  "catch-all.refuse": 'POST /caught-addresses/refuse',
  "catch-all.set": 'PATCH /catch-alls/{domain}',
  "catch-all.show": 'GET /catch-alls/{domain}',
  "certificate.list": 'GET /certificates',
  "certificate.renew": 'POST /certificates/renew',
  "directory.apply": 'POST /directory/apply',
  "directory.dump": 'GET /directory',
  "directory.plan": 'POST /directory/plan',
  "domain.add": 'POST /domains',
  "domain.counts": 'GET /domain-counts',
  "domain.dns": 'GET /domains/{name}/dns',
  "domain.flow": 'GET /domains/{name}/flow',
  "domain.import": 'POST /domains/{name}/import',
  "domain.import-check": 'POST /domains/{name}/import/check',
  "domain.list": 'GET /domains',
  "domain.list-removed": 'GET /removed-domains',
  "domain.remove": 'DELETE /domains/{name}',
  "domain.restore": 'POST /domains/{name}/restore',
  "domain.set": 'PATCH /domains/{name}',
  "domain.set-many": 'POST /domains/set-many',
  "domain.show": 'GET /domains/{name}',
  "explain.show": 'GET /explain',
  "explain.why-not": 'GET /explain/why-not',
  "health.show": 'GET /health',
  "history.list": 'GET /history',
  "host.check": 'GET /host/check',
  "host.set": 'PATCH /host',
  "host.show": 'GET /host',
  "lint.list": 'GET /lint',
  "list.add": 'POST /lists',
  "list.list": 'GET /lists',
  "list.members": 'GET /lists/{address}/members',
  "list.members-add": 'POST /lists/{address}/members',
  "list.members-remove": 'POST /lists/{address}/members/remove',
  "list.remove": 'DELETE /lists/{address}',
  "list.restore": 'POST /lists/{address}/restore',
  "list.set": 'PATCH /lists/{address}',
  "list.show": 'GET /lists/{address}',
  "lockout.failures": 'GET /failed-logins',
  "lockout.list": 'GET /lockouts',
  "lockout.remove": 'DELETE /lockouts/{subject}',
  "mailbox.add": 'POST /mailboxes',
  "mailbox.client-settings": 'GET /mailboxes/{address}/client-settings',
  "mailbox.list": 'GET /mailboxes',
  "mailbox.logins": 'GET /mailboxes/{address}/logins',
  "mailbox.references": 'GET /mailboxes/{address}/references',
  "mailbox.remove": 'DELETE /mailboxes/{address}',
  "mailbox.rename": 'POST /mailboxes/{address}/rename',
  "mailbox.restore": 'POST /mailboxes/{address}/restore',
  "mailbox.second-factors-remove": 'DELETE /mailboxes/{address}/second-factors',
  "mailbox.set": 'PATCH /mailboxes/{address}',
  "mailbox.show": 'GET /mailboxes/{address}',
  "message.test": 'POST /messages/test',
  "queue.apply": 'POST /queue/apply',
  "queue.expire": 'POST /queue/expire',
  "queue.flush": 'POST /queue/flush',
  "queue.flush-all": 'POST /queue/flush-all',
  "queue.header": 'GET /queue/{id}/header',
  "queue.hold": 'POST /queue/hold',
  "queue.job": 'GET /queue/jobs/{job}',
  "queue.jobs": 'GET /queue/jobs',
  "queue.list": 'GET /queue',
  "queue.release": 'POST /queue/release',
  "queue.remove": 'POST /queue/remove',
  "queue.requeue": 'POST /queue/requeue',
  "queue.show": 'GET /queue/{id}',
  "queue.stop": 'POST /queue/jobs/{job}/stop',
  "queue.summary": 'GET /queue/summary',
  "quota.list": 'GET /quotas',
  "quota.recalculate": 'POST /mailboxes/{address}/quota/recalculate',
  "quota.show": 'GET /mailboxes/{address}/quota',
  "reaches.show": 'GET /mailboxes/{address}/reaches',
  "recovery.ask": 'POST /recovery',
  "recovery.reset": 'POST /recovery/password',
  "recovery.show": 'POST /recovery/link',
  "relay-recipient.add": 'POST /relay-recipients',
  "relay-recipient.list": 'GET /relay-recipients',
  "relay-recipient.remove": 'POST /relay-recipients/remove',
  "revision.list": 'GET /revisions',
  "revision.revert": 'POST /revisions/{revision}/revert',
  "revision.show": 'GET /revisions/{revision}',
  "sender-login.add": 'POST /sender-logins',
  "sender-login.list": 'GET /sender-logins',
  "sender-login.remove": 'DELETE /sender-logins/{address}/{login}',
  "sender-login.set": 'PUT /sender-logins/{address}/{login}',
  "sender-login.show": 'GET /sender-logins/{address}',
  "service.list": 'GET /services',
  "session.add": 'POST /session',
  "session.passkey": 'POST /session/passkey',
  "session.passkey-options": 'POST /session/passkey/options',
  "session.remove": 'DELETE /session',
  "setting.list": 'GET /settings',
  "setting.reset": 'DELETE /settings/{name}',
  "setting.set": 'PUT /settings/{name}',
  "setting.show": 'GET /settings/{name}',
  "setting.state": 'GET /settings-state',
  "setting.undo": 'POST /settings/{name}/undo',
  "setup.add": 'POST /setup',
  "setup.check": 'POST /setup/check',
  "setup.passkey-options": 'POST /setup/passkey-options',
  "setup.show": 'GET /setup',
  "statistics.show": 'GET /statistics',
  "status.show": 'GET /status',
  "tag.change": 'PATCH /tags/{kind}/{name}',
  "tag.list": 'GET /tags',
  "tag.objects": 'GET /tagged/{tag}',
  "tag.show": 'GET /tags/{kind}/{name}',
  "token.add": 'POST /tokens',
  "token.list": 'GET /tokens',
  "token.remove": 'DELETE /tokens/{id}',
  "trace.list": 'GET /trace',
  "transport.add": 'POST /transports',
  "transport.list": 'GET /transports',
  "transport.remove": 'DELETE /transports/{place}',
  "transport.set": 'PUT /transports/{place}',
  "transport.show": 'GET /transports/{place}',
  "webhook.add": 'POST /webhooks',
  "webhook.list": 'GET /webhooks',
  "webhook.remove": 'DELETE /webhooks/{name}',
  "webhook.set": 'PATCH /webhooks/{name}',
  "webhook.show": 'GET /webhooks/{name}',
  "webhook.test": 'POST /webhooks/{name}/test',
};
