// Begun.

import { Empty } from '../parts/states.tsx';

export function OwnMailboxView() {
  return <Empty title="OwnMailboxView" />;
}
