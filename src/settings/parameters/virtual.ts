// data table
// Postfix's parameters of virtual(8), with the defaults of Postfix 3.7 as `postconf -d` shows them.

import { guarded, integer, list, text } from './declare.ts';

// biome-ignore format: one line a parameter
export const virtualParameters = {
  virtual_delivery_status_filter: text('$default_delivery_status_filter'),
  virtual_gid_maps: guarded('user', list('', 'supported', 'Group ids under which virtual delivery writes.')),
  virtual_mailbox_base: guarded('file', text('', 'supported', 'The folder above all paths that virtual delivery writes.')),
  virtual_mailbox_limit: integer('51200000', 'supported', 'The largest size of one mailbox file or Maildir message, in bytes; 0 means no limit.'),
  virtual_mailbox_lock: list('fcntl, dotlock', 'supported', 'How mailbox files are locked.'),
  virtual_minimum_uid: guarded('user', integer('100', 'supported', 'The lowest user id that virtual delivery accepts.', 1)),
  virtual_uid_maps: guarded('user', list('', 'supported', 'User ids under which virtual delivery writes.')),
};
