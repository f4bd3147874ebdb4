-- Modoboa 2.2: the columns that its generate_postfix_maps and Dovecot's queries ask, after modoboa/admin, modoboa/core,
-- modoboa/transport and modoboa/postfix_autoreply.
CREATE TABLE admin_domain (id INTEGER PRIMARY KEY, name VARCHAR(100), quota INTEGER, default_mailbox_quota INTEGER, enabled INTEGER, type VARCHAR(20));
CREATE TABLE admin_domainalias (id INTEGER PRIMARY KEY, name VARCHAR(255), target_id INTEGER, enabled INTEGER);
CREATE TABLE core_user (id INTEGER PRIMARY KEY, username VARCHAR(254), password VARCHAR(256), email VARCHAR(254), first_name VARCHAR(30), last_name VARCHAR(150), is_active INTEGER, is_superuser INTEGER);
CREATE TABLE admin_mailbox (id INTEGER PRIMARY KEY, address VARCHAR(252), domain_id INTEGER, user_id INTEGER, quota INTEGER, use_domain_quota INTEGER, is_send_only INTEGER);
CREATE TABLE admin_alias (id INTEGER PRIMARY KEY, address VARCHAR(254), domain_id INTEGER, enabled INTEGER, internal INTEGER, expire_at TEXT);
CREATE TABLE modoboa_admin_aliasrecipient (id INTEGER PRIMARY KEY, address VARCHAR(254), alias_id INTEGER, r_mailbox_id INTEGER);
CREATE TABLE admin_senderaddress (id INTEGER PRIMARY KEY, address VARCHAR(254), mailbox_id INTEGER);
CREATE TABLE transport_transport (id INTEGER PRIMARY KEY, pattern VARCHAR(254), service VARCHAR(30), next_hop VARCHAR(100));
INSERT INTO admin_domain VALUES (1, 'd.test', 1000, 50, 1, 'domain'), (2, 'relay.test', 0, 0, 1, 'relaydomain'), (3, 'split.test', 0, 0, 1, 'relaydomain');
INSERT INTO admin_domainalias VALUES (1, 'alias.test', 1, 1);
INSERT INTO core_user VALUES (1, 'anna@d.test', '{SHA512-CRYPT}$6$KkN6B9cW$x', 'anna@d.test', 'Anna', 'A', 1, 0), (2, 'bob@d.test', '{PLAIN}b', 'bob@d.test', '', '', 1, 0), (3, 'here@split.test', '{PLAIN}h', 'here@split.test', '', '', 1, 0), (4, 'admin', '{PLAIN}admin', '', '', '', 1, 1);
INSERT INTO admin_mailbox VALUES (1, 'anna', 1, 1, 50, 1, 0), (2, 'bob', 1, 2, 20, 0, 0), (3, 'here', 3, 3, 0, 0, 0);
INSERT INTO admin_alias VALUES (1, 'anna@d.test', 1, 1, 1, NULL), (2, 'bob@d.test', 1, 1, 1, NULL), (3, 'info@d.test', 1, 1, 0, NULL), (4, '@alias.test', 1, 1, 1, NULL), (5, 'off@d.test', 1, 0, 0, NULL);
INSERT INTO modoboa_admin_aliasrecipient VALUES (1, 'anna@d.test', 1, 1), (2, 'bob@d.test', 2, 2), (3, 'bob@else.test', 2, NULL), (4, 'anna@d.test', 3, 1), (5, 'far@else.test', 3, NULL), (6, '@d.test', 4, NULL), (7, 'anna@d.test', 5, 1);
INSERT INTO admin_senderaddress VALUES (1, 'press@d.test', 1);
INSERT INTO transport_transport VALUES (1, 'relay.test', 'smtp', '[192.0.2.1]:25'), (2, 'split.test', 'smtp', '[192.0.2.2]:25');
