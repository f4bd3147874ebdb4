// What an operation shows, with the tag of that state: a change made from it does not overwrite somebody else's.

import { useQuery } from '@tanstack/react-query';
import { type Answer, callWithTag, type Input, type OperationName, type Output, type Problem } from '../api.ts';

export function useTagged<Name extends OperationName>(name: Name, input: Input<Name>, isWanted = true) {
  return useQuery<Answer<Output<Name>>, Problem>({
    queryKey: [name, input, 'tagged'],
    queryFn: ({ signal }) => callWithTag(name, input, { signal }),
    enabled: isWanted,
  });
}
