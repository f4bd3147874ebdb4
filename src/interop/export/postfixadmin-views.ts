// PostfixAdmin's tables as views of ours, for scripts, for Roundcube's password plugin and for people who have its columns in
// their fingers. Its names are our tables' names, so on a server they stand in a schema (MySQL: a database) of their own.
// A password can be changed there by an account that can do nothing else; the trigger on our table looks whether it is a
// hash and writes the event (actor `sql:ACCOUNT`), as every change of ours does. Keys of SCRAM made of the old one are
// void by themselves (`made_of`).

import type { Driver } from './dialect.ts';
import { dialects } from './dialect.ts';
import type { View } from './views.ts';

/** `home`: what stands before the names of our tables, as `directory.`. */
export function postfixAdminViews(driver: Exclude<Driver, 'sqlite'>, home: string): View[] {
  const { concat } = dialects[driver];
  const time = (column: string): string =>
    driver === 'mysql' ? `FROM_UNIXTIME(${column} / 1000)` : `to_timestamp(${column} / 1000.0)`;
  const flag = (column: string): string => (driver === 'mysql' ? column : `(${column} = 1)`);
  const address = concat('m.localpart', "'@'", 'd.name');
  return [
    {
      name: 'domain',
      select: `SELECT d.name AS domain, '' AS description, d.max_aliases AS aliases, d.max_mailboxes AS mailboxes,
  d.max_quota AS maxquota, d.total_quota AS quota, d.transport AS transport,
  ${flag("CASE d.kind WHEN 'relay' THEN 1 ELSE 0 END")} AS backupmx, ${time('d.created')} AS created,
  ${time('d.created')} AS modified, ${flag('d.active')} AS active
FROM ${home}domain d WHERE d.tombstone = 0 AND d.kind <> 'alias-domain'`,
    },
    {
      name: 'alias_domain',
      select: `SELECT d.name AS alias_domain, t.name AS target_domain, ${time('d.created')} AS created,
  ${time('d.created')} AS modified, ${flag('d.active')} AS active
FROM ${home}domain d JOIN ${home}domain t ON t.id = d.target_id WHERE d.tombstone = 0`,
    },
    {
      name: 'mailbox',
      select: `SELECT ${address} AS username, m.password AS password, m.name AS name,
  ${concat('d.name', "'/'", 'm.localpart', "'/'")} AS maildir, m.quota AS quota, m.localpart AS local_part, d.name AS domain,
  ${time('m.created')} AS created, ${time('m.password_changed')} AS modified, ${flag('m.enabled')} AS active
FROM ${home}mailbox m JOIN ${home}domain d ON d.id = m.domain_id WHERE m.tombstone = 0 AND d.tombstone = 0`,
    },
    {
      // PostfixAdmin has a row for each mailbox too.
      name: 'alias',
      select: `SELECT ${concat('a.localpart', "'@'", 'd.name')} AS address,
  (SELECT ${joined(driver)} FROM ${home}alias_target t WHERE t.alias_id = a.id) AS goto, d.name AS domain,
  ${time('a.created')} AS created, ${time('a.created')} AS modified, ${flag('a.active')} AS active
FROM ${home}alias a JOIN ${home}domain d ON d.id = a.domain_id WHERE d.tombstone = 0
UNION ALL
SELECT ${address}, ${address}, d.name, ${time('m.created')}, ${time('m.created')}, ${flag('m.enabled')}
FROM ${home}mailbox m JOIN ${home}domain d ON d.id = m.domain_id
WHERE m.tombstone = 0 AND d.tombstone = 0
  AND NOT EXISTS (SELECT 1 FROM ${home}alias o WHERE o.domain_id = m.domain_id AND o.localpart = m.localpart)`,
    },
  ];
}

function joined(driver: Driver): string {
  return driver === 'mysql'
    ? "GROUP_CONCAT(t.address ORDER BY t.position SEPARATOR ',')"
    : "string_agg(t.address, ',' ORDER BY t.position)";
}

const hashPattern = '^([{][A-Za-z0-9.-]+[}].{8,}|[$][A-Za-z0-9]+[$].{8,})$';
/** In capitals: the names of schemes may be written in any case. */
const plainPattern = '^[{](PLAIN|CLEARTEXT|CLEAR|PLAIN-TRUNC)([.][A-Z0-9]+)?[}]';
const refusal = 'a password is stored as a hash with its scheme, as {SSHA512}... or $6$...';

/** Runs for everybody but our own nodes, which have made the event already; `account` cannot pass for one of them. */
export function mysqlPasswordTrigger(account: string): string[] {
  return [
    'DROP TRIGGER IF EXISTS mailbox_password_by_sql',
    `CREATE TRIGGER mailbox_password_by_sql BEFORE UPDATE ON mailbox FOR EACH ROW
BEGIN
IF SUBSTRING_INDEX(USER(), '@', 1) = '${account}' THEN SET @posthaste_node = NULL; END IF;
IF @posthaste_node IS NULL AND NEW.password <> OLD.password THEN
  IF NEW.password NOT REGEXP '${hashPattern}' OR UPPER(NEW.password) REGEXP '${plainPattern}' THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '${refusal}';
  END IF;
  SET NEW.password_changed = UNIX_TIMESTAMP() * 1000, NEW.must_change = 0, NEW.password_expires = 0;
  SET @posthaste_before = COALESCE(
    (SELECT "after" FROM event WHERE object = OLD.shown AND action LIKE 'mailbox.%' ORDER BY id DESC LIMIT 1),
    JSON_OBJECT('id', OLD.id, 'address', OLD.shown, 'name', OLD.name, 'quotaBytes', OLD.quota,
      'enabled', JSON_EXTRACT(IF(OLD.enabled = 1, 'true', 'false'), '$'), 'created', OLD.created));
  SET @posthaste_before = JSON_REMOVE(@posthaste_before, '$.password');
  INSERT INTO event ("time", actor, action, object, "before", "after", "revision") VALUES (
    UNIX_TIMESTAMP() * 1000, CONCAT('sql:', SUBSTRING_INDEX(USER(), '@', 1)), 'mailbox.set', OLD.shown, @posthaste_before,
    JSON_SET(JSON_REMOVE(@posthaste_before, '$.mustChange', '$.passwordExpires'), '$.passwordChanged', NEW.password_changed,
      '$.password', 'changed'), 0);
  UPDATE event SET "revision" = id WHERE id = (SELECT "value" FROM change_sequence WHERE "name" = 'event');
END IF;
END`,
  ];
}

/**
 * For programs that prepare their statements, as Roundcube does: the server then holds the triggers' own tables to the
 * rights of whoever updates the view, and refuses it. A called procedure's statements are not prepared.
 */
export function mysqlPasswordProcedure(schema: string): string[] {
  return [
    `DROP PROCEDURE IF EXISTS ${schema}.change_password`,
    `CREATE PROCEDURE ${schema}.change_password(IN mailbox_address varchar(330), IN hash varchar(1000))
MODIFIES SQL DATA SQL SECURITY DEFINER
UPDATE mailbox SET password = hash WHERE username = mailbox_address`,
  ];
}

/** `home` is the schema of our tables; the view's own trigger passes the change on to the table. */
export function postgresPasswordTrigger(home: string, schema: string): string[] {
  return [
    `CREATE OR REPLACE FUNCTION mailbox_password_by_sql() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ${home}, pg_temp AS $$
DECLARE
  state jsonb;
  made bigint;
BEGIN
  IF COALESCE(current_setting('posthaste.node', true), '') <> '' OR NEW.password = OLD.password THEN RETURN NEW; END IF;
  IF NEW.password !~ '${hashPattern}' OR upper(NEW.password) ~ '${plainPattern}' THEN
    RAISE EXCEPTION '${refusal}' USING ERRCODE = '23514';
  END IF;
  NEW.password_changed = floor(extract(epoch FROM now()) * 1000);
  NEW.must_change = 0;
  NEW.password_expires = 0;
  SELECT e."after"::jsonb - 'password' INTO state FROM event e
    WHERE e.object = OLD.shown AND e.action LIKE 'mailbox.%' ORDER BY e.id DESC LIMIT 1;
  state = COALESCE(state, jsonb_build_object('id', OLD.id, 'address', OLD.shown, 'name', OLD.name, 'quotaBytes', OLD.quota,
    'enabled', OLD.enabled = 1, 'created', OLD.created));
  INSERT INTO event ("time", actor, action, object, "before", "after", revision) VALUES (
    NEW.password_changed, 'sql:' || session_user, 'mailbox.set', OLD.shown, state::text,
    ((state - 'mustChange' - 'passwordExpires')
      || jsonb_build_object('passwordChanged', NEW.password_changed, 'password', 'changed'))::text, 0)
    RETURNING id INTO made;
  UPDATE event SET revision = made WHERE id = made;
  RETURN NEW;
END $$`,
    'DROP TRIGGER IF EXISTS mailbox_password_by_sql ON mailbox',
    `CREATE TRIGGER mailbox_password_by_sql BEFORE UPDATE ON mailbox FOR EACH ROW
EXECUTE FUNCTION mailbox_password_by_sql()`,
    `CREATE OR REPLACE FUNCTION ${schema}.mailbox_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ${home}, pg_temp AS $$
BEGIN
  -- Whoever comes this way is none of our nodes, whatever he calls himself.
  PERFORM set_config('posthaste.node', '', true);
  UPDATE mailbox m SET password = NEW.password FROM domain d
    WHERE d.id = m.domain_id AND d.tombstone = 0 AND m.tombstone = 0 AND m.localpart = OLD.local_part AND d.name = OLD.domain;
  RETURN NEW;
END $$`,
    `CREATE TRIGGER mailbox_update INSTEAD OF UPDATE ON ${schema}.mailbox FOR EACH ROW
EXECUTE FUNCTION ${schema}.mailbox_update()`,
  ];
}
