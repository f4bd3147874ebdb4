// A new administrator: of the host or of some domains. The password is made here and shown once.

import { SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output } from '../api.ts';
import { Dialog } from '../parts/dialog.tsx';
import { DomainPicker } from '../parts/domain-picker.tsx';
import { Form, FormEnd } from '../parts/form.tsx';
import { SecretOnce } from '../parts/secret-once.tsx';
import { Failed } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';
import { Mandate, type AdministratorRole } from './administrator-mandate.tsx';

export function AddAdministrator({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const [made, setMade] = useState<Output<'admin.add'>>();
  const end = () => {
    onClose();
    setMade(undefined);
  };
  return (
    <Dialog opened={isOpen} onClose={end} title={t('Add an administrator')}>
      {made === undefined ? (
        <AddForm onMade={setMade} onCancel={end} />
      ) : (
        <SecretOnce
          title={t('{{login}} may log in', { login: made.login })}
          text={t('The password for the first login, where a new one must be chosen. Nobody can see it again:')}
          secret={made.password ?? ''}
          onClose={end}
        />
      )}
    </Dialog>
  );
}

interface AddFormProps {
  readonly onMade: (made: Output<'admin.add'>) => void;
  readonly onCancel: () => void;
}

function AddForm({ onMade, onCancel }: AddFormProps) {
  const { t } = useTranslation();
  const change = useChange();
  const [login, setLogin] = useState('');
  const [name, setName] = useState('');
  const [role, setRole] = useState<AdministratorRole>('domain');
  const [domains, setDomains] = useState<string[]>([]);
  const { problem } = change;
  const add = () =>
    change.run(async () => {
      const given = { login: login.trim(), role, ...(name.trim() === '' ? {} : { name: name.trim() }) };
      onMade(await call('admin.add', role === 'host' ? given : { ...given, domains }));
    });
  return (
    <Form onSubmit={add}>
      <Stack>
        {problem === undefined ? null : <Failed error={problem} />}
        <TextInput
          label={t('Login')}
          description={t('A name or a mail address, to log in with')}
          required
          data-autofocus
          autoCapitalize="none"
          spellCheck={false}
          value={login}
          onChange={(event) => setLogin(event.currentTarget.value)}
        />
        <TextInput label={t('Name')} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <RoleChoice value={role} onChange={setRole} />
        {role === 'host' ? null : <DomainPicker label={t('Domains')} value={domains} onChange={setDomains} />}
        <Mandate role={role} domains={domains} />
        <Text size="sm" c="dimmed">
          {t('A password is made and shown once.')}
        </Text>
        <FormEnd onCancel={onCancel} isBusy={change.isBusy} label={t('Add')} />
      </Stack>
    </Form>
  );
}

interface RoleChoiceProps {
  readonly value: AdministratorRole;
  readonly onChange: (role: AdministratorRole) => void;
}

export function RoleChoice({ value, onChange }: RoleChoiceProps) {
  const { t } = useTranslation();
  return (
    <SegmentedControl
      aria-label={t('Role')}
      fullWidth
      value={value}
      onChange={(role) => onChange(role as AdministratorRole)}
      data={[
        { value: 'domain', label: t('Some domains') },
        { value: 'host', label: t('The whole host') },
      ]}
    />
  );
}
