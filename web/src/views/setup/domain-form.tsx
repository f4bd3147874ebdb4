// The form of step 3. What it makes is made one after the other, and what is there already is not made again: it can be sent
// again after whatever has gone wrong.

import { Button, Card, Checkbox, Group, PasswordInput, Radio, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call, Problem } from '../../api.ts';
import { lengthOf, PasswordStrength } from '../../parts/password-strength.tsx';
import { Failed } from '../../parts/states.tsx';
import { useSubmit } from '../../parts/use-submit.ts';

export interface Made {
  readonly mailbox: string;
  /** That the server has made; it is shown once. */
  readonly password: string | undefined;
  readonly aliases: readonly string[];
}

interface DomainFormProps {
  /** Hosted already; '' for none. */
  readonly domain: string;
  readonly onMade: (made: Made) => void;
}

const minPasswordLength = 12;
/** RFC 5321 §4.5.1 wants the first, RFC 2142 §2 the other. */
const roles = ['postmaster', 'abuse'];
/** The server's names of fields, and the form's. */
const formFields: Readonly<Record<string, string>> = { address: 'localpart', name: 'domain', password: 'password' };

export function DomainForm({ domain: present, onMade }: DomainFormProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { isBusy, error, run } = useSubmit(Object.keys(formFields));
  const form = useForm({
    initialValues: {
      domain: present,
      localpart: '',
      name: '',
      way: 'made' as 'made' | 'chosen',
      password: '',
      roles: true,
    },
    validate: {
      domain: (value) => (/^[^\s@]+\.[^\s@]+$/.test(value.trim()) ? null : t('A domain, as example.com')),
      localpart: (value) => (/^[^\s@]+$/.test(value.trim()) ? null : t('Only what stands before the @, as anna')),
      password: (value, { way }) =>
        way === 'chosen' && lengthOf(value) < minPasswordLength
          ? t('At least {{count}} characters', { count: minPasswordLength })
          : null,
    },
  });
  const submit = form.onSubmit(async (values) => {
    const domain = values.domain.trim().toLowerCase();
    const mailbox = `${values.localpart.trim().toLowerCase()}@${domain}`;
    let made: Made | undefined;
    const isMade = await run(
      async () => {
        if (domain !== present) await unlessThere(() => call('domain.add', { name: domain }));
        const added = await call('mailbox.add', {
          address: mailbox,
          ...(values.name.trim() === '' ? {} : { name: values.name.trim() }),
          ...(values.way === 'chosen' ? { password: values.password } : {}),
        });
        const { address, password, becameAdministrator } = added;
        made = { mailbox: address, password, aliases: await giveRoles(address, values.roles, becameAdministrator) };
      },
      (field, text) => form.setFieldError(formFields[field] ?? field, text),
    );
    await queries.invalidateQueries();
    if (isMade && made !== undefined) onMade(made);
  });
  const { domain, localpart, way, password, name } = form.getValues();
  return (
    <form onSubmit={submit} noValidate>
      <Card withBorder p={{ base: 'md', sm: 'xl' }}>
        <Stack>
          {error === undefined ? null : <Failed error={error} />}
          <TextInput
            label={t('Domain')}
            placeholder="example.com"
            autoCapitalize="none"
            spellCheck={false}
            required
            {...form.getInputProps('domain')}
          />
          <TextInput
            label={t('Mailbox')}
            placeholder={t('anna')}
            description={t('Its address: {{address}}', {
              address: `${localpart.trim() || t('anna')}@${domain.trim() || 'example.com'}`,
            })}
            autoCapitalize="none"
            spellCheck={false}
            required
            {...form.getInputProps('localpart')}
          />
          <TextInput
            label={t('Name')}
            description={t('Of whom it belongs to; may be left out')}
            {...form.getInputProps('name')}
          />
          <Radio.Group label={t('Its password')} {...form.getInputProps('way')}>
            <Stack gap="xs" mt="xs">
              <Radio value="made" label={t('Make a strong one, and show it once')} />
              <Radio value="chosen" label={t('I choose one')} />
            </Stack>
          </Radio.Group>
          {way === 'chosen' ? (
            <Stack gap={6}>
              <PasswordInput
                label={t('Password of the mailbox')}
                autoComplete="new-password"
                required
                {...form.getInputProps('password')}
              />
              <PasswordStrength password={password} minLength={minPasswordLength} known={[localpart, domain, name]} />
            </Stack>
          ) : null}
          <Checkbox
            label={t('It also gets the mail for postmaster@ and abuse@')}
            description={t('Every domain must take mail for its postmaster; complaints about it go to abuse.')}
            {...form.getInputProps('roles', { type: 'checkbox' })}
          />
        </Stack>
      </Card>
      <Group justify="flex-end" mt="lg">
        {isBusy ? (
          <Text size="sm" c="dimmed" role="status">
            {t('Adding the domain, the mailbox and its aliases…')}
          </Text>
        ) : null}
        <Button type="submit" loading={isBusy}>
          {t('Add both')}
        </Button>
      </Group>
    </form>
  );
}

/** Gives the addresses whose mail the mailbox gets: of a host's first mailbox the server has seen to them itself. */
async function giveRoles(mailbox: string, isWanted: boolean, isFirst: boolean): Promise<string[]> {
  const domain = mailbox.slice(mailbox.lastIndexOf('@') + 1);
  const own: string[] = [];
  if (!isWanted && !isFirst) return own;
  for (const role of roles) {
    const address = `${role}@${domain}`;
    const { items } = await call('alias.list', { domain, search: address, limit: 20 });
    const there = items.find((alias) => alias.address === address);
    const isToBe = there === undefined && address !== mailbox && isWanted;
    const isMade = isToBe && (await unlessThere(() => call('alias.add', { address, targets: [mailbox] })));
    if (isMade || there?.targets.includes(mailbox)) own.push(address);
  }
  return own;
}

/** True: it was not there. */
async function unlessThere(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== 'taken') throw error;
    return false;
  }
}
