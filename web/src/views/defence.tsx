// Begun.

import { Empty } from '../parts/states.tsx';

export function DefenceView() {
  return <Empty title="DefenceView" />;
}
