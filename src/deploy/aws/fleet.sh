#!/bin/sh
# Spot machines of AWS that are workers of skyscan (@NAME@, @REGION@), for @HOURS@ hours at most:
#
#     ./fleet.sh start KEYS    stores KEYS, the folder of the workers' keys, as a secret, makes what is needed, asks for @CORES@ cores
#     ./fleet.sh watch         who is there, until nobody is
#     ./fleet.sh grow CORES    asks for more, which may stay for @HOURS@ hours from then
#     ./fleet.sh end           ends all machines and removes all that was made, the secret too
#
# The files beside it are what is asked for; they and this one are yours to change. Needs aws, with the rights for that. What
# nobody ends ends itself: machines power off without a scan and after @HOURS@ h, which terminates them, and the fleet expires.
set -eu
files=$(dirname "$0")
export AWS_DEFAULT_REGION=@REGION@ AWS_REGION=@REGION@ AWS_PAGER=
name=@NAME@

say() { echo "[$name] $*" >&2; }

# Fleets that have not ended, and machines that are not gone.
fleets() {
    aws ec2 describe-fleets --output text --query \
        "Fleets[?Tags[?Key=='skyscan' && Value=='$name'] && (FleetState=='submitted' || FleetState=='active' || FleetState=='modifying')].FleetId"
}
machines() {
    aws ec2 describe-instances --output text --query "Reservations[].Instances[].[$1]" --filters \
        "Name=tag:skyscan,Values=$name" Name=instance-state-name,Values=pending,running,shutting-down,stopping,stopped
}
group() {
    aws ec2 describe-security-groups --filters "Name=group-name,Values=$name" "Name=tag:skyscan,Values=$name" \
        --query 'SecurityGroups[].GroupId' --output text
}
template() {
    aws ec2 describe-launch-templates --filters "Name=launch-template-name,Values=$name" "Name=tag:skyscan,Values=$name" \
        --query 'LaunchTemplates[].LaunchTemplateId' --output text
}

ask_for() {
    until=$(date -u -d '+@HOURS@ hours' +%Y-%m-%dT%H:%M:%SZ)
    fleet=$(aws ec2 create-fleet --cli-input-json "file://$files/fleet.json" --valid-until "$until" --query FleetId --output text \
        --target-capacity-specification "TotalTargetCapacity=$1,DefaultTargetCapacityType=spot")
    say "$fleet: $1 cores are asked for, until $until at most; ./fleet.sh watch shows them come, ./fleet.sh end ends all"
}

start() {
    keys=$1
    [ -e "$keys/scanner.pub" ] || [ -e "$keys/amqp-password" ] || {
        say "$keys holds no keys: give the folder that \`skyscan keygen DIR --worker NAME\` made for the workers"
        exit 2
    }
    [ ! -e "$keys/scanner.key" ] || {
        say "$keys is the scanner's own folder, which stays with it: give one of a worker, $keys/for-NAME"
        exit 2
    }
    [ -z "$(fleets)" ] || {
        say "machines are asked for already: ./fleet.sh grow CORES asks for more, ./fleet.sh end ends them"
        exit 2
    }
    trap 'say "not started: ./fleet.sh end removes what was made, then start it again"' EXIT
    vpc=$(aws ec2 describe-subnets --subnet-ids @SUBNET@ --query 'Subnets[0].VpcId' --output text)
    image=@IMAGE@
    case $image in
    /*) image=$(aws ssm get-parameter --name "$image" --query Parameter.Value --output text) ;;
    esac

    say "the workers' keys become the secret $name-keys"
    tar -C "$keys" -c . | base64 -w 0 |
        aws secretsmanager create-secret --name "$name-keys" --secret-string file:///dev/stdin >/dev/null
    say "machines may read it, and nothing else"
    aws iam create-role --cli-input-json "file://$files/role.json" >/dev/null
    aws iam put-role-policy --cli-input-json "file://$files/rights.json"
    aws iam create-instance-profile --instance-profile-name "$name" >/dev/null
    aws iam add-role-to-instance-profile --instance-profile-name "$name" --role-name "$name"
    say "nobody may come to them; they may go to the scanner, to the program and to the secret"
    group=$(aws ec2 create-security-group --cli-input-json "file://$files/security-group.json" --vpc-id "$vpc" --query GroupId --output text)
    rules=$(aws ec2 describe-security-group-rules --filters "Name=group-id,Values=$group" \
        --query 'SecurityGroupRules[?IsEgress].SecurityGroupRuleId' --output text)
    # It begins with one that allows everything.
    # shellcheck disable=SC2086
    aws ec2 revoke-security-group-egress --group-id "$group" --security-group-rule-ids $rules >/dev/null
    aws ec2 authorize-security-group-egress --cli-input-json "file://$files/egress.json" --group-id "$group" >/dev/null
    user_data=$(base64 -w 0 "$files/user-data.yaml")
    aws ec2 create-launch-template --cli-input-json \
        "$(sed "s|SECURITY_GROUP|$group|; s|IMAGE|$image|; s|USER_DATA|$user_data|" "$files/launch-template.json")" >/dev/null
    say "waits until all of AWS knows the role"
    sleep 15
    ask_for @CORES@
    trap - EXIT
}

grow() {
    case $1 in
    '' | 0* | *[!0-9]*)
        say "'$1' is no whole number of cores above 0: ./fleet.sh grow 100 asks for 100 more"
        exit 2
        ;;
    esac
    ask_for "$1"
}

watch() {
    while :; do
        here=$(machines 'State.Name,Placement.AvailabilityZone,InstanceType')
        asked=$(fleets)
        [ -n "$here$asked" ] || break
        say "$(date +%T)"
        for fleet in $asked; do
            aws ec2 describe-fleets --fleet-ids "$fleet" --output text --query \
                "Fleets[].[FleetId,FulfilledCapacity,'of',TargetCapacitySpecification.TotalTargetCapacity,'cores until',ValidUntil]"
            # Why there are no more.
            aws ec2 describe-fleet-history --fleet-id "$fleet" --event-type instance-change --output text \
                --start-time "$(date -u -d '-5 minutes' +%Y-%m-%dT%H:%M:%SZ)" 2>/dev/null --query \
                "HistoryRecords[?EventInformation.EventSubType!='launched'].EventInformation.[EventSubType,EventDescription]" |
                sort | uniq -c | sort -rn | head -n 5 || true
        done
        [ -z "$here" ] || echo "$here" | sort | uniq -c
        sleep 15
    done
    say "nobody is there"
}

# What is gone already is no failure.
remove() {
    told=$("$@" 2>&1 >/dev/null) && return
    case $told in
    *NotFound* | *NoSuchEntity* | *'does not exist'*) ;;
    *)
        say "still there: $told"
        is_left=yes
        ;;
    esac
}

end() {
    is_left=
    # First nobody is replaced any more.
    asked=$(fleets)
    # shellcheck disable=SC2086
    [ -z "$asked" ] || aws ec2 delete-fleets --no-terminate-instances --fleet-ids $asked >/dev/null
    while :; do
        here=$(machines InstanceId)
        [ -n "$here" ] || break
        say "ends machines: $(echo "$here" | wc -l)"
        echo "$here" | xargs -n 500 aws ec2 terminate-instances --instance-ids >/dev/null
        sleep 5
    done
    for template in $(template); do
        remove aws ec2 delete-launch-template --launch-template-id "$template"
    done
    for group in $(group); do
        remove aws ec2 delete-security-group --group-id "$group"
    done
    remove aws iam remove-role-from-instance-profile --instance-profile-name "$name" --role-name "$name"
    remove aws iam delete-instance-profile --instance-profile-name "$name"
    remove aws iam delete-role-policy --role-name "$name" --policy-name "$name"
    remove aws iam delete-role --role-name "$name"
    remove aws secretsmanager delete-secret --secret-id "$name-keys" --force-delete-without-recovery
    [ -z "$is_left" ] || exit 1
    say "all is gone; remove workers/NAME.pub from the scanner's keys, if theirs shall open nothing any more"
}

case "$#:${1:-}" in
2:start) start "$2" ;;
1:watch) watch ;;
2:grow) grow "$2" ;;
1:end) end ;;
*)
    sed -n '2,/^set /s/^#\( \|$\)//p' "$0" >&2
    exit 2
    ;;
esac
