import { Module } from '@nestjs/common';
import type { DynamicModule, FactoryProvider, ValueProvider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import type { Logger } from 'pino';
import type { Settings } from '../../libs/settings/settings.js';
import { AccessGuard } from './access/access-guard.js';
import { AccessModule } from './access/access-module.js';
import { observeLogins } from './access/observe-logins.js';
import { CaModule } from './ca/ca-module.js';
import { CachesModule } from './caches/caches-module.js';
import { measureCaches } from './caches/measure-caches.js';
import type { GatewayDependencies } from './gateway-ports.js';
import { ACCESS, AUTHORITY, BUILD_ENVIRONMENT, BUSES, CACHES, CLIENT_MILLISECONDS, RULES, COMPOSES, LIFECYCLE, LOGGER, METRICS, READS, REPOSITORIES, SETTINGS, WORKFLOWS } from './gateway-tokens.js';
import { gatewayVersion } from './gateway-version.js';
import { HealthModule } from './health/health-module.js';
import { HttpCachesModule } from './http-caches/http-caches-module.js';
import { AnswerDeadline } from './http/answer-deadline.js';
import { ErrorAnswer } from './http/error-answer.js';
import { GatewayMetrics } from './metrics/gateway-metrics.js';
import { MetricsModule } from './metrics/metrics-module.js';
import { OpenApiModule } from './openapi/openapi-module.js';
import { ComposeFilesModule } from './compose-files/compose-files-module.js';
import { ComposeNamesModule } from './compose-names/compose-names-module.js';
import { ComposesModule } from './composes/composes-module.js';
import { MessagesModule } from './rules/messages-module.js';
import { RepositoriesModule } from './repositories/repositories-module.js';
import { RepositoryFilesModule } from './repository-files/repository-files-module.js';
import { OstreeModule } from './ostree/ostree-module.js';
import { RulesModule } from './rules/rules-module.js';
import { OdcsModule } from './odcs/odcs-module.js';
import { SessionControlModule } from './session-control/session-control-module.js';
import { SessionLifecycle } from './session-lifecycle/session-lifecycle.js';
import { SessionsModule } from './sessions/sessions-module.js';

export interface GatewayModuleOptions {
  readonly settings: Settings;
  readonly dependencies: GatewayDependencies;
  readonly log: Logger;
  /** Requests that may wait for news of composes at once. */
  readonly waitingSeats?: number;
  /** Of event streams. */
  readonly heartbeatMilliseconds?: number;
  /** How long a client may take to send a request, or leave an answer unread; 30 s as in fetch-service. */
  readonly clientMilliseconds?: number;
}

export const usualClientMilliseconds = 30_000;

/** What every feature module shares; global, so that a feature names only what is its own. */
@Module({})
class SharedModule {
  static with({ settings, dependencies, log, clientMilliseconds = usualClientMilliseconds }: GatewayModuleOptions): DynamicModule {
    const { reads, composes, buses, rules, access } = dependencies;
    const metrics = new GatewayMetrics({ sessions: reads, composes: composes.reads, messageBacklog: composes.messageBacklog, nameAges: composes.nameAges, busTotals: () => buses.messages.totals(), rules: () => rules.record.list(), repositories: () => dependencies.repositories.reads.totals(), storage: dependencies.repositories.storage, caches: measureCaches(dependencies.caches), storeAnswers: dependencies.caches.storeAnswers }, gatewayVersion);
    access.watch({ onLogin: observeLogins(metrics, log), onProblem: (reason) => log.warn({ reason }, 'logging in is not as it should be') });
    const values: (ValueProvider | FactoryProvider)[] = [
      { provide: SETTINGS, useValue: settings },
      { provide: ACCESS, useValue: dependencies.access },
      { provide: READS, useValue: dependencies.reads },
      { provide: WORKFLOWS, useValue: dependencies.workflows },
      { provide: AUTHORITY, useValue: dependencies.authority },
      { provide: BUILD_ENVIRONMENT, useValue: dependencies.buildEnvironment },
      { provide: COMPOSES, useValue: dependencies.composes },
      { provide: BUSES, useValue: dependencies.buses },
      { provide: RULES, useValue: dependencies.rules },
      { provide: REPOSITORIES, useValue: dependencies.repositories },
      { provide: CACHES, useValue: dependencies.caches },
      { provide: CLIENT_MILLISECONDS, useValue: clientMilliseconds },
      { provide: LOGGER, useValue: log },
      { provide: METRICS, useValue: metrics },
      { provide: LIFECYCLE, useValue: new SessionLifecycle({ ...dependencies, log, metrics }) },
    ];
    return { module: SharedModule, global: true, providers: values, exports: values };
  }
}

@Module({})
export class GatewayModule {
  static with(options: GatewayModuleOptions): DynamicModule {
    return {
      module: GatewayModule,
      imports: [
        SharedModule.with(options),
        SessionControlModule,
        SessionsModule,
        AccessModule,
        CaModule,
        HealthModule,
        MetricsModule,
        OpenApiModule,
        OdcsModule.with(options),
        ComposesModule,
        ComposeNamesModule,
        ComposeFilesModule,
        MessagesModule,
        RulesModule,
        RepositoriesModule,
        RepositoryFilesModule,
        CachesModule,
        HttpCachesModule,
        OstreeModule,
      ],
      providers: [
        { provide: APP_FILTER, useClass: ErrorAnswer },
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_INTERCEPTOR, useClass: AnswerDeadline },
      ],
    };
  }
}
