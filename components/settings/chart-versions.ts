/** Minor version of the first chart with each major version of the runner; each further minor version of one is one of the other. */
const firstCharts: Readonly<Record<string, number>> = { 17: 65, 18: 77, 19: 89 };

/**
 * Source: https://gitlab.com/gitlab-org/charts/gitlab-runner/-/blob/main/CHANGELOG.md ("Update GitLab Runner version to …")
 * @param runner version of GitLab Runner from 17.0 on, such as `18.11`
 * @returns the first version of the chart that has it: `0.88.0`
 */
export function chartWith(runner: string): string {
  const [major = "", minor = ""] = runner.split(".");
  const first = firstCharts[major];
  if (first === undefined) {
    throw new Error(`no chart is known for GitLab Runner ${runner}`);
  }
  return `0.${first + Number(minor)}.0`;
}
