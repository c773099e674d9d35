import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { alertRules } from "./monitoring/alert-rules.ts";
import { dashboard, dashboardFile } from "./monitoring/dashboard.ts";

/** Inputs of {@link RunnerMonitoring}. */
export interface RunnerMonitoringArgs {
  /** Name of the Helm release, which is also that of the manager's container and the value of its pods' label `app`. */
  readonly release: pulumi.Input<string>;
  /** Namespace of the manager. */
  readonly namespace: pulumi.Input<string>;
  /** Namespace of the job pods. */
  readonly jobNamespace: pulumi.Input<string>;
  /** Seconds between two polls of GitLab. */
  readonly checkInterval: pulumi.Input<number>;
  /** Make a PrometheusRule; the cluster needs Prometheus' operator. A plain value, since it becomes a resource. @defaultValue false */
  readonly alerts?: boolean;
  /** Make a ConfigMap with a dashboard. A plain value, since it becomes a resource. @defaultValue false */
  readonly dashboard?: boolean;
  /** Labels of the PrometheusRule, by which Prometheus' operator selects it. @defaultValue none */
  readonly labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
}

/**
 * What makes the manager's metrics worth having: alerts for Prometheus, and a dashboard for Grafana. Both expect the labels
 * `namespace`, `pod` and `container` on the metrics, which Prometheus adds to all that a PodMonitor finds.
 */
export class RunnerMonitoring extends pulumi.ComponentResource {
  /** Name of the PrometheusRule; undefined without alerts. */
  readonly alertRules: pulumi.Output<string> | undefined;
  /** Name of the ConfigMap with the dashboard; undefined without one. */
  readonly dashboard: pulumi.Output<string> | undefined;

  constructor(name: string, args: RunnerMonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gitlab-runner:index:RunnerMonitoring", name, args, opts);
    const { release, namespace, jobNamespace, checkInterval } = args;
    const runner = pulumi.output({ release, namespace, jobNamespace, checkInterval });

    if (args.alerts === true) {
      const rules = new k8s.apiextensions.CustomResource(
        `${name}-alerts`,
        {
          apiVersion: "monitoring.coreos.com/v1",
          kind: "PrometheusRule",
          metadata: { name: release, namespace, labels: args.labels },
          spec: runner.apply(alertRules),
        },
        { parent: this },
      );
      this.alertRules = rules.metadata.name;
    }
    if (args.dashboard === true) {
      const configMap = new k8s.core.v1.ConfigMap(
        `${name}-dashboard`,
        {
          metadata: {
            name: pulumi.interpolate`${release}-dashboard`,
            namespace,
            // What the sidecar of Grafana's chart looks for: https://github.com/grafana-community/helm-charts/tree/main/charts/grafana#sidecar-for-dashboards
            labels: { grafana_dashboard: "1" },
          },
          data: runner.apply((monitored) => ({
            [dashboardFile(monitored)]: JSON.stringify(dashboard(monitored), undefined, 2),
          })),
        },
        { parent: this },
      );
      this.dashboard = configMap.metadata.name;
    }
    this.registerOutputs({ alertRules: this.alertRules, dashboard: this.dashboard });
  }
}
