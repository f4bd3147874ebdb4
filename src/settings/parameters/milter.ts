// data table
// Postfix's parameters of Milters, with the defaults of Postfix 3.7 as `postconf -d` shows them.

import { list, text, time } from './declare.ts';

// biome-ignore format: one line a parameter
export const milterParameters = {
  milter_command_timeout: time('30s'),
  milter_connect_macros: list('j {daemon_name} {daemon_addr} v _'),
  milter_connect_timeout: time('30s'),
  milter_content_timeout: time('300s'),
  milter_data_macros: list('i'),
  milter_default_action: text('tempfail'),
  milter_end_of_data_macros: list('i'),
  milter_end_of_header_macros: list('i'),
  milter_header_checks: list(''),
  milter_helo_macros: list('{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}'),
  milter_macro_daemon_name: text('$myhostname'),
  milter_macro_defaults: list(''),
  milter_macro_v: text('$mail_name $mail_version'),
  milter_mail_macros: list('i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}'),
  milter_protocol: text('6'),
  milter_rcpt_macros: list('i {rcpt_addr} {rcpt_host} {rcpt_mailer}'),
  milter_unknown_command_macros: list(''),
  non_smtpd_milters: list(''),
  smtpd_milter_maps: list(''),
  smtpd_milters: list(''),
};
