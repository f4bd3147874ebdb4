// Writes the configuration of a first start: a main.cf and a master.cf that a newcomer can read, with every line
// explained. What is already there is left alone.
//
// The choices: all that is hosted is in the directory, so main.cf names its tables and need not be touched again.
// The local class keeps Postfix's mydestination, so that `root`, `postmaster` and bounces to this host's own name
// stay here; the directory leads them to the administrator's mailbox, and no other local name exists
// (local_recipient_maps); delivery to Unix users is for who adds a `local` service to master.cf.

import { writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { makeFolders } from '../lib/make-folders.ts';
import { SettingsError } from './settings-error.ts';

export interface FirstConfiguration {
  /** Where the directory, mail and queue will be. */
  readonly dataDirectory: string;
  /** true: unprivileged ports on 127.0.0.1, for a trial; false: the well-known ports on every address. */
  readonly loopback: boolean;
  /** myhostname, where the machine's own name is not the right one. */
  readonly hostname?: string;
}

interface Ports {
  readonly smtp: string;
  readonly submission: string;
  readonly submissions: string;
  readonly lmtp: string;
  readonly imap: string;
  readonly imaps: string;
}

const trialPorts: Ports = {
  smtp: '127.0.0.1:2525',
  submission: '127.0.0.1:2587',
  submissions: '127.0.0.1:2465',
  lmtp: '127.0.0.1:2424',
  imap: '127.0.0.1:2143',
  imaps: '127.0.0.1:2993',
};

const wellKnownPorts: Ports = {
  smtp: 'smtp',
  submission: 'submission',
  submissions: 'submissions',
  lmtp: '127.0.0.1:24',
  imap: 'imap',
  imaps: 'imaps',
};

/**
 * Where a new configuration keeps its data: in /var/lib for a folder below /etc, under the same name; around a folder that is
 * itself called etc, as that of a checkout; else inside the folder, which is somebody's own.
 */
export function usualDataDirectory(directory: string): string {
  const parent = dirname(directory);
  if (parent === '/etc') return join('/var/lib', basename(directory));
  if (/^(?:\/usr\/local)?\/etc(?:\/|$)/.test(directory)) return '/var/lib/posthaste';
  return basename(directory) === 'etc' ? parent : join(directory, 'data');
}

/** Returns the files that it wrote; a file that exists is never written. Throws SettingsError where none can be. */
export async function writeFirstConfiguration(directory: string, options: FirstConfiguration): Promise<string[]> {
  const ports = options.loopback ? trialPorts : wellKnownPorts;
  const files = { 'main.cf': mainCf(directory, options, ports), 'master.cf': masterCf(ports) };
  const written: string[] = [];
  try {
    makeFolders(directory, 0o755);
    for (const [name, text] of Object.entries(files)) {
      const file = join(directory, name);
      if (await writeNew(file, text)) written.push(file);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SettingsError(
      `main.cf and master.cf cannot be written in ${directory} (${code}): name a folder of your own with -c`,
    );
  }
  return written;
}

/** False: it is there already. */
async function writeNew(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx', mode: 0o644 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

/** Whether a main.cf was written by a first start, and the lines that it wrote. */
export function linesOfFirstStart(directory: string, dataDirectory: string, text: string): ReadonlySet<string> {
  const texts = [true, false].map((loopback) =>
    mainCf(directory, { dataDirectory, loopback }, loopback ? trialPorts : wellKnownPorts),
  );
  const [head = ''] = (texts[0] ?? '').split('\n');
  return new Set(text.startsWith(head) ? texts.flatMap((one) => one.split('\n')) : []);
}

function mainCf(directory: string, options: FirstConfiguration, ports: Ports): string {
  const place = relative(directory, options.dataDirectory);
  const dataDirectory = place === '..' || place === 'data' ? `$config_directory/${place}` : options.dataDirectory;
  const hostname =
    options.hostname === undefined ? '#myhostname = mail.example.com' : `myhostname = ${options.hostname}`;
  return `# The settings of this mail server, in Postfix's words: every parameter that is not here has Postfix's default.
# \`posthaste postconf -n\` shows what is set, \`posthaste postconf NAME\` any parameter; docs/settings.md explains them.
# Domains, mailboxes and aliases are not here: \`posthaste domain add\`, \`mailbox add\`, \`alias add\`.

# Use the newer of Postfix's defaults.
compatibility_level = 3.6

# --- This server -------------------------------------------------------------------------------------------

# The name by which other servers know this one; its address must lead back to the same name. Without this line
# it is the machine's own name.
${hostname}

# Where the directory, the mail and the queue are kept.
posthaste_data_directory = ${dataDirectory}

${networkPart(options)}
# The name shown in the greeting and in Received headers.
mail_name = Posthaste

${fixedPart}# --- Listeners that Postfix does not have (the SMTP ones are in master.cf) ---------------------------------

posthaste_imap_listen = ${ports.imap}
posthaste_imaps_listen = ${ports.imaps}

# Other mail servers may deliver into the mailboxes here; it has no password, so keep it on this machine.
posthaste_lmtp_listen = ${ports.lmtp}

# What is counted while mail goes through, for Prometheus (http://127.0.0.1:9154/metrics): for this machine only.
posthaste_metrics_listen = 127.0.0.1:9154

# The API for administrators and programs, which bin/posthaste --host uses too: \`posthaste admin add\`, \`token add\`.
# Beyond this machine only HTTPS is served.
posthaste_http_listen = 127.0.0.1:8080
posthaste_https_listen = 127.0.0.1:8443
`;
}

/** What no option changes. */
const fixedPart = `# --- Whose mail is taken -----------------------------------------------------------------------------------
# Each of these tables is a view of the directory, where a domain has exactly one class.

# Domains with mailboxes, the mailboxes in them, and the agent that delivers into them.
virtual_mailbox_domains = directory:mailbox-domains
virtual_mailbox_maps = directory:mailboxes
virtual_transport = mailstore

# Domains that have aliases only, and the aliases of all domains.
virtual_alias_domains = directory:alias-domains
virtual_alias_maps = directory:virtual-aliases

# Domains that are passed on to another server, and their recipients.
relay_domains = directory:relay-domains
relay_recipient_maps = directory:relay-recipients

# Domains and addresses with a route of their own, and mailing lists.
transport_maps = directory:transports

# Who gets a blind copy of whose mail: \`posthaste bcc add\`.
sender_bcc_maps = directory:sender-bcc
recipient_bcc_maps = directory:recipient-bcc

# This host's own names. Mail for root, postmaster and abuse at them goes to the administrator's mailbox (the first
# one that is added); nobody else has an address there. Mail for Unix users needs a service
# "local" in master.cf, and local_recipient_maps, local_transport and alias_maps without these lines.
mydestination = $myhostname, localhost.$mydomain, localhost
local_recipient_maps = $virtual_alias_maps
local_transport = error:5.1.1 there are no mailboxes at this host's own name
alias_maps =

# user+anything@domain reaches user@domain.
recipient_delimiter = +

# --- Who may send ------------------------------------------------------------------------------------------

# Mail to elsewhere is taken from these clients and from users who have logged in; from everyone else only mail
# for the domains above. Keep this line: without it, the server would soon send other people's junk.
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination

# Rules of one's own about clients, what they say of themselves, senders and recipients: \`posthaste access add\`. A rule
# that says OK ends only the list that it stands in; none of them ever lets anybody relay.
smtpd_client_restrictions = check_client_access directory:client-access
smtpd_helo_restrictions = check_helo_access directory:helo-access
smtpd_sender_restrictions = check_sender_access directory:sender-access
smtpd_recipient_restrictions = check_recipient_access directory:recipient-access

# Passwords are those of the mailboxes, and are never asked for on an unencrypted connection. Logging in is
# switched on for the submission services only, in master.cf.
smtpd_sasl_type = directory
smtpd_tls_auth_only = yes
smtpd_sender_login_maps = directory:sender-logins

# --- Encryption --------------------------------------------------------------------------------------------

# Offer TLS. Without the two files a self-signed certificate is made and kept in the data folder.
smtpd_tls_security_level = may
#smtpd_tls_cert_file = /etc/letsencrypt/live/mail.example.com/fullchain.pem
#smtpd_tls_key_file = /etc/letsencrypt/live/mail.example.com/privkey.pem
# Or let the server get its certificate by itself (docs/tls.md), if port 80 of this host is its own:
#posthaste_acme_directory = https://acme-v02.api.letsencrypt.org/directory
#posthaste_acme_terms_agreed = yes
#posthaste_acme_http_listen = 0.0.0.0:80 [::]:80

# Use TLS towards other servers where they offer it.
smtp_tls_security_level = may

# --- Limits ------------------------------------------------------------------------------------------------

# The largest message in bytes: 50 MiB. An attachment takes about 4/3 of its size.
message_size_limit = 52428800

`;

function networkPart(options: FirstConfiguration): string {
  const trusted = `# Clients that may send without logging in: this machine only.
mynetworks = 127.0.0.0/8 [::1]/128
`;
  return options.loopback
    ? `# A trial: this machine only, on unprivileged ports. To serve the network, change this to \`all\` and the ports here
# and in master.cf to the well-known ones (smtp, submission, submissions, imap, imaps).
inet_interfaces = loopback-only

${trusted}`
    : trusted;
}

function masterCf(ports: Ports): string {
  const listener = (name: string): string => `${name.padEnd(16)}inet  n       -       n       -       -       smtpd`;
  const submission = (name: string): string => `  -o syslog_name=postfix/${name}
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
  -o smtpd_helo_restrictions=
  -o local_header_rewrite_clients=permit_inet_interfaces,permit_sasl_authenticated
  -o smtpd_sender_restrictions=reject_authenticated_sender_login_mismatch
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject`;
  return `# The services of this mail server, in the form of Postfix's master.cf (man 5 master).
# A line that begins with a blank continues the one before; -o overrides main.cf for that service.
# Postfix's other daemons (cleanup, qmgr, bounce, rewrite, tlsmgr ...) are part of the one program and need no line.
#
# ==================================================================================
# service       type  private unpriv  chroot  wakeup  maxproc command + args
# ==================================================================================

# Mail from other servers.
${listener(ports.smtp)}

# Mail from the users' own programs: they must encrypt (STARTTLS) and log in, and may use their own addresses only.
${listener(ports.submission)}
  -o smtpd_tls_security_level=encrypt
${submission('submission')}

# The same with TLS from the first byte.
${listener(ports.submissions)}
  -o smtpd_tls_wrappermode=yes
${submission('submissions')}

# Mail from the sendmail command.
pickup          unix  n       -       n       60      1       pickup

# The agents that deliver. A transport is the name of one of these.
mailstore       unix  -       -       n       -       -       mailstore
smtp            unix  -       -       n       -       -       smtp
relay           unix  -       -       n       -       -       smtp
error           unix  -       -       n       -       -       error
retry           unix  -       -       n       -       -       error
discard         unix  -       -       n       -       -       discard
`;
}
