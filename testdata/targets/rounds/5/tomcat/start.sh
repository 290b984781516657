#!/bin/sh
# Tomcat as it comes, with a CATALINA_BASE of its own (RUNNING.txt, "Multiple Tomcat Instances"):
# only the ports of conf/server.xml differ. $1 is a directory, $2 the port.
export CATALINA_HOME=./apache-tomcat-11.0.24 CATALINA_BASE=$1/base
mkdir -p $CATALINA_BASE/logs $CATALINA_BASE/temp $CATALINA_BASE/work
cp -r $CATALINA_HOME/conf $CATALINA_HOME/webapps $CATALINA_BASE/
sed -i -e "s/port=\"8080\"/port=\"$2\"/" -e 's/<Server port="8005"/<Server port="-1"/' $CATALINA_BASE/conf/server.xml
exec sh $CATALINA_HOME/bin/catalina.sh run
