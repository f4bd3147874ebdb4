// check_policy_service (Postfix SMTPD_POLICY_README): a program of the administrator's decides, as a greylist or a
// quota server does. What one request says, what its answer means, and what happens without an answer; how the
// program is reached stands in policy-connection.ts.

import { toInternal } from '../address/form.ts';
import { SettingsError } from '../settings/settings-error.ts';
import type { Settings } from '../settings/settings.ts';
import { parseInteger, parseTime } from '../settings/values.ts';
import { splitList } from '../lib/split-list.ts';
import { encodeXtext } from '../smtp/xtext.ts';
import { type ActionRules, actOn } from './access-action.ts';
import type { Evaluation, Verdict } from './evaluation.ts';
import { type PolicyEndpoint, PolicyConnections, PolicyServiceError } from './policy-connection.ts';

interface PolicyOptions {
  readonly endpoint: PolicyEndpoint;
  readonly defaultAction: string;
  readonly context: string;
}

/** What Postfix says when even the default action asks the same service again. */
const lastResort = '451 4.3.5 Server configuration problem';

export class PolicyService {
  readonly #connections: PolicyConnections;
  readonly #options: PolicyOptions;
  readonly #rules: ActionRules;
  readonly #stress: string;
  /** Default actions under way: one that leads here again must end. */
  readonly #failing = new WeakSet<Evaluation>();

  /** `text` is `inet:host:port`, `unix:path` or `{ either, name=value ... }`. Throws SettingsError. */
  constructor(text: string, settings: Settings, parameter: string, rules: Omit<ActionRules, 'source'>) {
    this.#options = readOptions(text, settings, parameter);
    this.#rules = { ...rules, source: text.startsWith('{') ? this.#options.endpoint.name : text };
    this.#connections = new PolicyConnections(this.#options.endpoint);
    this.#stress = settings.text('stress');
  }

  async check(evaluation: Evaluation): Promise<Verdict> {
    if (evaluation.request.isQuestionOnly) {
      evaluation.decision.note('policy', this.#rules.source, '', 'not asked: its answer would count');
      return 'dunno';
    }
    let action: string | undefined;
    try {
      action = await this.#connections.ask(this.#request(evaluation));
    } catch (error) {
      if (!(error instanceof PolicyServiceError)) throw error;
      for (const problem of error.problems) evaluation.warn(problem);
    }
    if (evaluation.decision.isTracing)
      evaluation.decision.note('policy', this.#rules.source, '', action ?? 'no answer');
    if (action !== undefined) return await actOn(evaluation, action, this.#rules);
    if (this.#failing.has(evaluation)) return await actOn(evaluation, lastResort, this.#rules);
    this.#failing.add(evaluation);
    try {
      return await actOn(evaluation, this.#options.defaultAction, this.#rules);
    } finally {
      this.#failing.delete(evaluation);
    }
  }

  close(): void {
    this.#connections.close();
  }

  /** In Postfix's order: some servers count on it. */
  #request({ request, client }: Evaluation): string {
    const { where = 'RCPT', queueId = '', size = 0 } = request;
    const certificate = client.tls?.certificate;
    const isLate = where === 'DATA' || where === 'BDAT' || where === 'END-OF-MESSAGE';
    const attributes: readonly (readonly [string, string | number])[] = [
      ['request', 'smtpd_access_policy'],
      ['protocol_state', where === 'BDAT' ? 'DATA' : where],
      ['protocol_name', client.protocol ?? 'SMTP'],
      ['client_address', client.address ?? 'unknown'],
      ['client_name', client.name ?? 'unknown'],
      ['client_port', client.port ?? 'unknown'],
      ['reverse_client_name', client.reverseName ?? client.name ?? 'unknown'],
      ['server_address', client.serverAddress ?? ''],
      ['server_port', client.serverPort ?? ''],
      ['helo_name', client.helo ?? ''],
      // Without quotes: smtpd(8) tells addresses as it keeps them.
      ['sender', toInternal(request.sender ?? '')],
      ['recipient', toInternal(request.recipient ?? '')],
      ['recipient_count', isLate ? (request.recipientCount ?? 0) : 0],
      ['queue_id', queueId],
      ['instance', request.instance ?? ''],
      ['size', size],
      ['etrn_domain', request.etrnDomain ?? ''],
      ['stress', this.#stress],
      ['sasl_method', client.saslMethod ?? ''],
      ['sasl_username', client.login ?? ''],
      ['sasl_sender', ''],
      // Names that nobody vouches for are only what the client says (SMTPD_POLICY_README).
      ['ccert_subject', certificate?.isTrusted ? utf8Xtext(certificate.commonName) : ''],
      ['ccert_issuer', certificate?.isTrusted ? utf8Xtext(certificate.issuerName) : ''],
      ['ccert_fingerprint', certificate?.fingerprint ?? ''],
      ['ccert_pubkey_fingerprint', certificate?.keyFingerprint ?? ''],
      ['encryption_protocol', client.tls?.protocol ?? ''],
      ['encryption_cipher', client.tls?.cipher ?? ''],
      ['encryption_keysize', client.tls?.bits ?? 0],
      ['policy_context', this.#options.context],
    ];
    // A line end within a value would be another attribute.
    return `${attributes.map(([name, value]) => `${name}=${`${value}`.replace(/[\r\n\0]/g, '?')}`).join('\n')}\n\n`;
  }
}

/** As Postfix writes names of certificates. */
function utf8Xtext(name: string): string {
  return encodeXtext(Buffer.from(name, 'utf8').toString('latin1'));
}

function readOptions(text: string, settings: Settings, parameter: string): PolicyOptions {
  const isBraced = text.startsWith('{');
  const words = isBraced ? splitList(text.replace(/^\{|\}$/g, '')) : [text];
  const [server = '', ...overrides] = words;
  const given = new Map<string, string>();
  for (const word of overrides) {
    const inner = word.replace(/^\{\s*|\s*\}$/g, '');
    const match = /^([a-z_]+)\s*=\s*(.*)$/s.exec(inner);
    if (match === null || !overridable.has(match[1] as string)) {
      throw new SettingsError(`${parameter}: check_policy_service: cannot read ${word}`, parameter);
    }
    given.set(match[1] as string, match[2] as string);
  }
  const mistake = (name: string): SettingsError =>
    new SettingsError(`${parameter}: check_policy_service: bad ${name} in ${text}`, parameter);
  const seconds = (name: string, fallback: number): number => {
    const value = given.get(name);
    if (value === undefined) return fallback;
    const parsed = parseTime(value, 's');
    if (parsed === undefined) throw mistake(name);
    return parsed;
  };
  const integer = (name: string, fallback: number): number => {
    const value = given.get(name);
    if (value === undefined) return fallback;
    const parsed = parseInteger(value);
    if (parsed === undefined || parsed < 0) throw mistake(name);
    return parsed;
  };
  return {
    endpoint: {
      ...readEndpoint(server, settings, parameter),
      timeout: seconds('timeout', settings.seconds('smtpd_policy_service_timeout')) * 1000,
      maxIdle: seconds('max_idle', settings.seconds('smtpd_policy_service_max_idle')) * 1000,
      maxAge: seconds('max_ttl', settings.seconds('smtpd_policy_service_max_ttl')) * 1000,
      retryDelay: seconds('retry_delay', settings.seconds('smtpd_policy_service_retry_delay')) * 1000,
      requestLimit: integer('request_limit', settings.integer('smtpd_policy_service_request_limit')),
      tryLimit: Math.max(1, integer('try_limit', settings.integer('smtpd_policy_service_try_limit'))),
    },
    defaultAction: given.get('default_action') ?? settings.text('smtpd_policy_service_default_action'),
    context: given.get('policy_context') ?? settings.text('smtpd_policy_service_policy_context'),
  };
}

const overridable = new Set([
  'timeout',
  'max_idle',
  'max_ttl',
  'retry_delay',
  'request_limit',
  'try_limit',
  'default_action',
  'policy_context',
]);

/** `inet:host:port`, `unix:path` (relative to queue_directory). */
function readEndpoint(server: string, settings: Settings, parameter: string): Pick<PolicyEndpoint, 'name' | 'connect'> {
  const inet = /^inet:(?:\[([^\]]+)\]|([^:]*)):(\w+)$/i.exec(server) ?? /^inet:()()(\w+)$/i.exec(server);
  if (inet !== null) {
    const host = inet[1] || inet[2] || 'localhost';
    const port = Number(inet[3]);
    if (Number.isInteger(port) && port > 0 && port < 65_536) return { name: server.slice(5), connect: { host, port } };
  }
  const unix = /^unix:(.+)$/i.exec(server)?.[1];
  if (unix !== undefined) {
    const path = unix.startsWith('/') ? unix : `${settings.text('queue_directory')}/${unix}`;
    return { name: unix, connect: { path } };
  }
  throw new SettingsError(
    `${parameter}: check_policy_service ${server}: write inet:host:port or unix:path`,
    parameter,
    settings.origin(parameter),
  );
}
