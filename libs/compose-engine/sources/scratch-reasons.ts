/** Each is asked for by calls of its own, and the head of each of its files is read. */
const mostTasks = 500;

/** What is wrong with `scratch_build_tasks`. */
export function scratchReasons(tasks: readonly string[]): string[] {
  const strange = tasks.filter((task) => !/^[1-9][0-9]{0,9}$/.test(task));
  return [
    ...(strange.length === 0 ? [] : [`scratch_build_tasks are ids of tasks, and not ${strange.slice(0, 20).join(', ')}`]),
    ...(tasks.length > mostTasks ? [`scratch_build_tasks names ${tasks.length} tasks; ${mostTasks} are the most that one compose takes`] : []),
  ];
}
