-- mailcow: dockerized, 2025-03: the columns that its Postfix and Dovecot ask, after data/web/inc/init_db.inc.php.
CREATE TABLE domain (domain VARCHAR(255) PRIMARY KEY, description VARCHAR(255), aliases INT DEFAULT 0, mailboxes INT DEFAULT 0, defquota BIGINT DEFAULT 3072, maxquota BIGINT DEFAULT 10240, quota BIGINT DEFAULT 102400, backupmx TINYINT DEFAULT 0, relay_all_recipients TINYINT DEFAULT 0, relay_unknown_only TINYINT DEFAULT 0, active TINYINT DEFAULT 1);
CREATE TABLE alias_domain (alias_domain VARCHAR(255) PRIMARY KEY, target_domain VARCHAR(255), active TINYINT DEFAULT 1);
CREATE TABLE mailbox (username VARCHAR(255) PRIMARY KEY, password VARCHAR(255), name VARCHAR(255), mailbox_path_prefix VARCHAR(150) DEFAULT '/var/vmail/', quota BIGINT, local_part VARCHAR(255), domain VARCHAR(255), attributes JSON, kind VARCHAR(100) DEFAULT '', created DATETIME DEFAULT NOW(), active TINYINT DEFAULT 1, KEY (domain));
CREATE TABLE alias (id INT AUTO_INCREMENT PRIMARY KEY, address VARCHAR(255) UNIQUE, goto TEXT, domain VARCHAR(255), active TINYINT DEFAULT 1, KEY (domain));
CREATE TABLE sender_acl (id INT AUTO_INCREMENT PRIMARY KEY, logged_in_as VARCHAR(255), send_as VARCHAR(255));
CREATE TABLE bcc_maps (id INT AUTO_INCREMENT PRIMARY KEY, local_dest VARCHAR(255), bcc_dest VARCHAR(255), domain VARCHAR(255), type ENUM('sender','rcpt'), active TINYINT DEFAULT 1);
CREATE TABLE spamalias (address VARCHAR(255) PRIMARY KEY, goto TEXT, validity INT);
CREATE TABLE admin (username VARCHAR(255) PRIMARY KEY, password VARCHAR(255), superadmin TINYINT, active TINYINT);
CREATE TABLE domain_admins (username VARCHAR(255), domain VARCHAR(255), active TINYINT);
INSERT INTO domain (domain, backupmx, relay_all_recipients) VALUES ('d.test', 0, 0), ('backup.test', 1, 1), ('listed.test', 1, 0);
INSERT INTO alias_domain VALUES ('alias.test', 'd.test', 1);
INSERT INTO mailbox (username, password, name, quota, local_part, domain, attributes, kind, active) VALUES
 ('anna@d.test', '{BLF-CRYPT}$2y$10$abcdefghijklmnopqrstuuW0Jp5q0oS7LZ5w1xZbq9kY0Yq1e1e1e', 'Anna', 1073741824, 'anna', 'd.test', '{"imap_access":"1","pop3_access":"0","force_pw_update":"1"}', '', 1),
 ('bob@d.test', '{SSHA256}x', 'Bob', 0, 'bob', 'd.test', '{}', '', 2),
 ('room@d.test', '', 'Room', 0, 'room', 'd.test', '{}', 'location', 1);
INSERT INTO alias (address, goto, domain) VALUES ('anna@d.test', 'anna@d.test', 'd.test'), ('bob@d.test', 'bob@d.test', 'd.test'), ('room@d.test', 'room@d.test', 'd.test'), ('info@d.test', 'anna@d.test,bob@d.test', 'd.test'), ('@d.test', 'bob@d.test', 'd.test'), ('ann@listed.test', 'ann@listed.test', 'listed.test'), ('trash@d.test', 'null@localhost', 'd.test');
INSERT INTO sender_acl (logged_in_as, send_as) VALUES ('anna@d.test', '@d.test'), ('bob@d.test', '*');
INSERT INTO bcc_maps (local_dest, bcc_dest, type) VALUES ('anna@d.test', 'copies@else.test', 'rcpt'), ('@d.test', 'sent@else.test', 'sender');
INSERT INTO admin VALUES ('admin', '{SSHA256}x', 1, 1);
