// data table
// Postfix's parameters of Milters, with the defaults of Postfix 3.7 as `postconf -d` shows them.

import { list, text, time } from './declare.ts';

// biome-ignore format: one line a parameter
export const milterParameters = {
  milter_command_timeout: time('30s', 'supported', 'How long a milter may take to answer a command.'),
  milter_connect_macros: list('j {daemon_name} {daemon_addr} v _', 'supported', 'Macros that milters are told when a client connects.'),
  milter_connect_timeout: time('30s', 'supported', 'How long connecting to a milter may take.'),
  milter_content_timeout: time('300s', 'supported', 'How long a milter may take to answer a part of the message, and its end.'),
  milter_data_macros: list('i', 'supported', 'Macros that milters are told at DATA.'),
  milter_default_action: text('tempfail', 'supported', 'What becomes of mail where a milter fails.', ['accept', 'reject', 'tempfail', 'quarantine']),
  milter_end_of_data_macros: list('i', 'supported', 'Macros that milters are told with the body and at its end.'),
  milter_end_of_header_macros: list('i', 'supported', 'Macros that milters are told with the header and at its end.'),
  milter_header_checks: list('', 'supported', 'Tables of patterns for header fields that milters add or change.'),
  milter_helo_macros: list('{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}', 'supported', 'Macros that milters are told at HELO and EHLO.'),
  milter_macro_daemon_name: text('$myhostname', 'supported', 'The value of the macro {daemon_name}.'),
  milter_macro_defaults: list('', 'supported', 'Values of macros that have none otherwise, as name=value.'),
  milter_macro_v: text('$mail_name $mail_version', 'supported', 'The value of the macro v.'),
  milter_mail_macros: list('i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}', 'supported', 'Macros that milters are told at MAIL.'),
  milter_protocol: text('6', 'supported', 'The version of the protocol that is spoken with milters, and extensions.'),
  milter_rcpt_macros: list('i {rcpt_addr} {rcpt_host} {rcpt_mailer}', 'supported', 'Macros that milters are told at RCPT.'),
  milter_unknown_command_macros: list('', 'supported', 'Macros that milters are told with an unknown command.'),
  non_smtpd_milters: list('', 'supported', 'Milters for mail of the sendmail command, and for notices where internal_mail_filter_classes says so.'),
  smtpd_milter_maps: list('', 'supported', 'Tables that give a client address milters of its own, or DISABLE.'),
  smtpd_milters: list('', 'supported', 'Milters for mail that comes by SMTP.'),
};
