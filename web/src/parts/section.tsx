// One matter of a view: what it is called, what it is good for, and what can be done about it.

import { Card, Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useId } from 'react';

interface SectionProps {
  readonly title: string;
  readonly note?: ReactNode;
  /** How it stands, beside the title. */
  readonly state?: ReactNode;
  readonly children?: ReactNode;
}

export function Section({ title, note, state, children }: SectionProps) {
  const id = useId();
  return (
    <Card withBorder p="lg" component="section" aria-labelledby={id}>
      <Stack>
        <Stack gap={4}>
          <Group justify="space-between" gap="xs">
            <Title order={2} size="h4" id={id}>
              {title}
            </Title>
            {state}
          </Group>
          {note === undefined ? null : (
            <Text size="sm" c="dimmed" component="div" maw={680}>
              {note}
            </Text>
          )}
        </Stack>
        {children}
      </Stack>
    </Card>
  );
}
